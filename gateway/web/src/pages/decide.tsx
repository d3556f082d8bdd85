import { useState } from "preact/hooks";
import { type Problem, problem, remediation } from "../api";
import { ChangeKind } from "../gen/triflow/gateway/v1/gateway_pb";
import type { Remediation } from "../gen/triflow/remediation/v1/remediation_pb";
import { announce } from "../live";
import { actionWords } from "../model/words";
import { Dialog } from "../parts/dialog";
import { Fault } from "../parts/states";

const nameKey = "triflow.name";

/** Asks once more before a plan is approved or rejected. What is approved is exactly the plan that was shown. */
export function Decide({
  what,
  plan,
  onClose,
  onDecided,
}: {
  what: "approve" | "reject";
  plan: Remediation;
  onClose: () => void;
  onDecided: () => void;
}) {
  const [approver, setApprover] = useState(storedName);
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<Problem>();
  const approving = what === "approve";
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setFault(undefined);
    try {
      if (approving) await remediation.approveRemediation({ id: plan.id, planHash: plan.planHash, approver });
      else await remediation.rejectRemediation({ id: plan.id, approver, reason });
      storeName(approver);
      announce(ChangeKind.REMEDIATION, plan.id);
      onDecided();
      onClose();
    } catch (thrown) {
      setFault(problem(thrown));
      setBusy(false);
      onDecided(); // most often somebody else decided; show what stands now
    }
  };
  return (
    <Dialog title={approving ? "Approve this plan?" : "Reject this plan?"} onClose={onClose}>
      <form class="decide" onSubmit={submit}>
        <ul>
          {plan.steps.map((s, i) => (
            <li key={i}>
              <strong>{actionWords[s.kind][0]}:</strong> {s.dryRun || s.dryRunError}
            </li>
          ))}
        </ul>
        <label class="field">
          Your name, for the audit
          <input required maxLength={128} value={approver} onInput={(e) => setApprover(e.currentTarget.value)} />
        </label>
        {!approving && (
          <label class="field">
            Reason
            <textarea maxLength={1024} value={reason} onInput={(e) => setReason(e.currentTarget.value)} />
          </label>
        )}
        {fault && <Fault problem={fault} />}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button is-primary" disabled={busy}>
            {approving ? "Approve and run" : "Reject"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function storedName(): string {
  try {
    return localStorage.getItem(nameKey) ?? "";
  } catch {
    return ""; // storage may be forbidden
  }
}

function storeName(name: string): void {
  try {
    localStorage.setItem(nameKey, name);
  } catch {
    // Then it is asked for again.
  }
}
