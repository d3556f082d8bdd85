import { useState } from "preact/hooks";
import { remediation } from "../api";
import { ChangeKind } from "../gen/triflow/gateway/v1/gateway_pb";
import {
  type AuditEntry,
  type Remediation,
  RemediationState,
  type Step,
} from "../gen/triflow/remediation/v1/remediation_pb";
import { useKeys } from "../keys";
import { useLoad } from "../load";
import { formatShare } from "../model/number";
import { millis } from "../model/time";
import { actionWords, causeWords, remediationWords } from "../model/words";
import { Ago, Clock, Section } from "../parts/page";
import { Show } from "../parts/states";
import { Status } from "../parts/status";
import { Table } from "../parts/table";
import { Decide } from "./decide";

/** A plan with its dry run, the decision about it, and its audit. */
export function Plan({ id }: { id: string }) {
  const loaded = useLoad(`plan ${id}`, (signal) => remediation.getRemediation({ id }, { signal }), {
    on: ChangeKind.REMEDIATION,
  });
  return (
    <Show of={loaded} rows={4}>
      {(data) => (
        <>
          <Proposal plan={data.remediation!} onDecided={loaded.reload} />
          <Audit entries={data.audit} />
        </>
      )}
    </Show>
  );
}

function Proposal({ plan, onDecided }: { plan: Remediation; onDecided: () => void }) {
  const [asked, setAsked] = useState<"approve" | "reject">();
  const open = plan.state === RemediationState.PROPOSED;
  const [tone, word] = remediationWords[plan.state];
  const ask = (what: "approve" | "reject") => () => (open ? setAsked(what) : false);
  useKeys({ a: ask("approve"), x: ask("reject") });
  return (
    <Section
      title="Plan"
      note={
        <>
          <a href={`/remediations/${plan.id}`}>{plan.playbook}</a> for {plan.service},{" "}
          {causeWords[plan.causeKind][0].toLowerCase()} with {formatShare(plan.confidence)} confidence
        </>
      }
      actions={
        <Status tone={tone} soft>
          {word}
        </Status>
      }
    >
      <ol class="steps">
        {plan.steps.map((s, i) => (
          <PlanStep key={i} step={s} />
        ))}
      </ol>
      <div class="plan-foot">
        {open ? (
          <>
            <button type="button" class="button is-primary" onClick={() => setAsked("approve")}>
              Approve plan
            </button>
            <button type="button" class="button" onClick={() => setAsked("reject")}>
              Reject plan
            </button>
            <span class="dim">
              Nothing is done before. Approval is taken until <Ago ms={millis(plan.expireTime)} />.
            </span>
          </>
        ) : (
          plan.decidedBy && <span class="dim">Decided by {plan.decidedBy}</span>
        )}
      </div>
      {asked && <Decide what={asked} plan={plan} onClose={() => setAsked(undefined)} onDecided={onDecided} />}
    </Section>
  );
}

/** One step: what it is, with what, what it would do, and what it did. */
export function PlanStep({ step }: { step: Step }) {
  const [name, meaning] = actionWords[step.kind];
  return (
    <li>
      <h3 title={meaning}>{name}</h3>
      <dl class="parameters">
        {Object.entries(step.parameters)
          .sort()
          .map(([key, value]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>
                <code>{value}</code>
              </dd>
            </div>
          ))}
      </dl>
      <Line label="Dry run" text={step.dryRun} />
      <Line label="Cannot be done" text={step.dryRunError} bad />
      <Line label="Result" text={step.result} />
      <Line label="Failed" text={step.error} bad />
    </li>
  );
}

function Line({ label, text, bad = false }: { label: string; text: string; bad?: boolean }) {
  if (!text) return null;
  return (
    <p class={bad ? "tone-bad" : undefined}>
      <strong>{label}:</strong> {text}
    </p>
  );
}

function Audit({ entries }: { entries: AuditEntry[] }) {
  return (
    <Section title="Audit" flush note="append-only; each entry's hash covers the one before">
      <Table
        label="Audit"
        rows={entries}
        id={(e) => String(e.sequence)}
        columns={[
          { title: "#", width: "64px", cell: (e) => String(e.sequence) },
          { title: "Event", width: "150px", cell: (e) => e.event.replaceAll("_", " ") },
          { title: "Who", width: "150px", cell: (e) => e.actor },
          { title: "What", cell: (e) => e.detail },
          { title: "Hash", width: "110px", wide: true, cell: (e) => <code title={e.hash}>{e.hash.slice(0, 8)}</code> },
          { title: "Time", right: true, width: "92px", cell: (e) => <Clock ms={millis(e.time)} /> },
        ]}
      />
    </Section>
  );
}
