import { remediation } from "../api";
import { ChangeKind } from "../gen/triflow/gateway/v1/gateway_pb";
import type { Remediation } from "../gen/triflow/remediation/v1/remediation_pb";
import { useLoad } from "../load";
import { millis } from "../model/time";
import { causeWords, count, remediationWords } from "../model/words";
import { Ago, Page, Section } from "../parts/page";
import { Paged } from "../parts/paged";
import { Empty, Show } from "../parts/states";
import { Confidence, Status } from "../parts/status";
import { Table } from "../parts/table";
import { Plan } from "./plan";

/** All plans, latest first. */
export function RemediationsPage() {
  const read = (pageToken: string, signal?: AbortSignal) =>
    remediation
      .listRemediations({ pageSize: 50, pageToken }, { signal })
      .then((r) => ({ rows: r.remediations, token: r.nextPageToken }));
  const first = useLoad("remediations", (signal) => read("", signal), { on: ChangeKind.REMEDIATION });
  return (
    <Page title="Remediations">
      <Section title="Plans" flush note="latest first; nothing is done without approval">
        <Show of={first} rows={6}>
          {(data) =>
            data.rows.length === 0 ? (
              <Empty title="No plan so far">A plan is made when a playbook fits the top cause of an incident.</Empty>
            ) : (
              <Paged first={data} next={read}>
                {(rows) => <Plans rows={rows} />}
              </Paged>
            )
          }
        </Show>
      </Section>
    </Page>
  );
}

function Plans({ rows }: { rows: Remediation[] }) {
  return (
    <Table
      label="Plans"
      rows={rows}
      id={(r) => r.id}
      href={(r) => `/remediations/${encodeURIComponent(r.id)}`}
      columns={[
        { title: "Playbook", cell: (r) => <strong>{r.playbook}</strong> },
        {
          title: "State",
          width: "150px",
          cell: (r) => <Status tone={remediationWords[r.state][0]}>{remediationWords[r.state][1]}</Status>,
        },
        { title: "Cause", width: "220px", cell: (r) => `${r.service}, ${causeWords[r.causeKind][0].toLowerCase()}` },
        { title: "Confidence", width: "170px", wide: true, cell: (r) => <Confidence value={r.confidence} /> },
        { title: "Steps", width: "90px", wide: true, cell: (r) => count(r.steps.length, "step") },
        { title: "Made", right: true, width: "110px", cell: (r) => <Ago ms={millis(r.createTime)} /> },
      ]}
    />
  );
}

/** One plan. */
export function RemediationPage({ id }: { id: string }) {
  return (
    <Page title="Plan" crumb={{ href: "/remediations", label: "Remediations" }}>
      <Plan id={id} />
    </Page>
  );
}
