import { ingestion } from "../api";
import { FaultClass, type Fault as Found } from "../gen/triflow/ingestion/v1/ingestion_pb";
import { useLoad } from "../load";
import { faultWords } from "../model/arrival";
import { formatCount } from "../model/number";
import { millis } from "../model/time";
import { signalWords } from "../model/words";
import { Ago, Section } from "../parts/page";
import { Paged } from "../parts/paged";
import { Empty, Show } from "../parts/states";
import { Status } from "../parts/status";
import { Table } from "../parts/table";
import { setQuery, useAddress } from "../router";

const classes = [
  FaultClass.CRASH,
  FaultClass.OMISSION,
  FaultClass.TIMING,
  FaultClass.RESPONSE,
  FaultClass.BYZANTINE,
].map((c) => ({ class: c, name: faultWords[c][1].toLowerCase() }));

/** What the detectors found, with the evidence. */
export function Faults() {
  const chosen = classes.find((c) => c.name === useAddress().query.get("class"));
  const read = (pageToken: string, signal?: AbortSignal) =>
    ingestion
      .listFaults({ class: chosen?.class, pageSize: 100, pageToken }, { signal })
      .then((r) => ({ rows: r.faults, token: r.nextPageToken }));
  const key = `faults ${chosen?.name}`;
  const first = useLoad(key, (signal) => read("", signal), { every: 5000 });
  return (
    <>
      <form class="filters" onSubmit={(e) => e.preventDefault()}>
        <label class="field">
          Class
          <select value={chosen?.name ?? ""} onChange={(e) => setQuery({ class: e.currentTarget.value })}>
            <option value="">Any</option>
            {classes.map((c) => (
              <option key={c.name} value={c.name}>
                {faultWords[c.class][1]}: {faultWords[c.class][2]}
              </option>
            ))}
          </select>
        </label>
      </form>
      <Section title="Faults" flush note="latest first, the latest of each kind and subject">
        <Show of={first} rows={8}>
          {(data) =>
            data.rows.length === 0 ? (
              <Empty title={chosen ? "No fault of this class" : "No fault so far"} />
            ) : (
              <Paged key={key} first={data} next={read}>
                {(rows) => <FaultTable rows={rows} />}
              </Paged>
            )
          }
        </Show>
      </Section>
    </>
  );
}

function FaultTable({ rows }: { rows: Found[] }) {
  return (
    <Table
      label="Faults"
      rows={rows}
      id={(f) => `${f.class} ${f.kind} ${f.signal} ${f.subject}`}
      columns={[
        {
          title: "Class",
          width: "126px",
          cell: (f) => {
            const [tone, word, what] = faultWords[f.class];
            return (
              <span title={what}>
                <Status tone={tone}>{word}</Status>
                <span class="second">{f.kind}</span>
              </span>
            );
          },
        },
        {
          title: "Subject and latest evidence",
          cell: (f) => (
            <>
              <strong class="name">{f.subject}</strong>
              {f.signal !== 0 && `, ${signalWords[f.signal].toLowerCase()}`}
              <span class="second name">{f.text}</span>
            </>
          ),
        },
        {
          title: "Found",
          right: true,
          wide: true,
          width: "100px",
          cell: (f) => (
            <>
              {formatCount(f.count)}×{f.items > 0n && <span class="second">{formatCount(f.items)} items</span>}
            </>
          ),
        },
        {
          title: "Last",
          right: true,
          width: "124px",
          cell: (f) => (
            <>
              <Ago ms={millis(f.lastTime)} />
              <span class="second wide">
                first <Ago ms={millis(f.firstTime)} />
              </span>
            </>
          ),
        },
      ]}
    />
  );
}
