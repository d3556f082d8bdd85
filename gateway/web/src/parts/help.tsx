import { Dialog } from "./dialog";

const groups: [string, [string[], string][]][] = [
  [
    "Go to",
    [
      [["g", "o"], "Overview"],
      [["g", "i"], "Incidents"],
      [["g", "m"], "Service map"],
      [["g", "t"], "Traces"],
      [["g", "l"], "Logs"],
      [["g", "a"], "Anomalies"],
      [["g", "r"], "Remediations"],
      [["g", "v"], "Arrival"],
      [["g", "p"], "Sampling"],
      [["g", "s"], "System"],
    ],
  ],
  [
    "Everywhere",
    [
      [["j"], "Next row"],
      [["k"], "Previous row"],
      [["Enter"], "Open"],
      [["/"], "Search"],
      [["Esc"], "Back to the list"],
      [["d"], "Dark or light"],
      [["?"], "This help"],
    ],
  ],
  [
    "In a trace",
    [
      [["↓", "↑"], "Next or previous span"],
      [["→", "←"], "Open or close a branch"],
      [["[", "]"], "Close or open all branches"],
      [["c"], "Show only the critical path in full colour"],
      [["n", "N"], "Next or previous step of the critical path"],
      [["e", "E"], "Next or previous error"],
      [["w", "s"], "Zoom in or out"],
      [["a", "f"], "Earlier or later"],
      [["0"], "Whole trace"],
    ],
  ],
  [
    "On a plan",
    [
      [["a"], "Approve"],
      [["x"], "Reject"],
    ],
  ],
];

/** Every key, by where it works. */
export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose} wide>
      <div class="help">
        {groups.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([names, what]) => (
                <div key={what}>
                  <dt>
                    {names.map((n) => (
                      <kbd key={n}>{n}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
