import { useMemo, useState } from "preact/hooks";
import { assembly, logs } from "../api";
import {
  CriticalPathStatus,
  type GetCriticalPathResponse,
  type GetTraceResponse,
} from "../gen/triflow/assembly/v1/assembly_pb";
import { useLoad } from "../load";
import { formatShare } from "../model/number";
import { durationMillis, formatDuration, formatMoment, millis } from "../model/time";
import { criticalRows } from "../model/timeline";
import { buildTrace } from "../model/trace";
import { findingWords, traceWords } from "../model/words";
import { Copy, Figure, Page, Section } from "../parts/page";
import { Empty, Show } from "../parts/states";
import { Status } from "../parts/status";
import { Table } from "../parts/table";
import { Waterfall } from "../parts/waterfall";
import { setQuery, useAddress } from "../router";
import { LogTable } from "./logs";
import { SpanDetail } from "./span";

/** One trace: its spans over time with the critical path, and the logs written in it. */
export function TracePage({ id }: { id: string }) {
  const trace = useLoad(`trace ${id}`, (signal) => assembly.getTrace({ traceId: id }, { signal }));
  const path = useLoad(`path ${id}`, (signal) => assembly.getCriticalPath({ traceId: id }, { signal }));
  const summary = trace.data?.summary;
  const title = summary ? `${summary.rootService || "no root"} ${summary.rootOperation}` : `Trace ${id.slice(0, 8)}`;
  return (
    <Page
      title={title}
      crumb={{ href: "/traces", label: "Traces" }}
      actions={
        <>
          <Copy value={id} label="trace id" shown={id.slice(0, 8)} />
          <a class="button" href={`/api/v1/traces/${id}`} target="_blank" rel="noreferrer">
            Raw JSON
          </a>
        </>
      }
    >
      <Show of={trace} rows={10}>
        {(data) => <Content data={data} path={path.data} />}
      </Show>
      {path.error && trace.data && <Show of={path}>{() => null}</Show>}
      <TraceLogs id={id} />
    </Page>
  );
}

function Content({ data, path }: { data: GetTraceResponse; path: GetCriticalPathResponse | undefined }) {
  const [onlyPath, setOnlyPath] = useState(false);
  const trace = useMemo(() => buildTrace(data.resourceSpans, data.spanNotes), [data]);
  const critical = useMemo(() => criticalRows(trace, path?.segments ?? []), [trace, path]);
  const chosen = useAddress().query.get("span") ?? "";
  const row = trace.rowOf.get(chosen) ?? -1;
  const choose = (r: number) => setQuery({ span: trace.keys[r] }, "replace");
  return (
    <>
      <Summary data={data} path={path} />
      {data.findings.length > 0 && (
        <Section title="Findings" note="what is wrong with the trace's structure">
          <ul class="findings">
            {data.findings.map((f) => (
              <li key={`${f.kind} ${f.spanId}`}>
                <strong>{findingWords[f.kind]}</strong> {f.detail}
              </li>
            ))}
          </ul>
        </Section>
      )}
      <div class={row >= 0 ? "trace-split" : undefined}>
        <Section
          title="Spans"
          flush
          note={critical.order.length > 0 ? "the red line is the critical path" : "no critical path is known"}
          actions={
            <label class="check">
              <input type="checkbox" checked={onlyPath} onChange={(e) => setOnlyPath(e.currentTarget.checked)} />
              Fade the rest
            </label>
          }
        >
          <Waterfall trace={trace} critical={critical} row={row} onRow={choose} fade={onlyPath} onFade={setOnlyPath} />
        </Section>
        {row >= 0 && <SpanDetail trace={trace} row={row} onClose={() => setQuery({ span: undefined }, "replace")} />}
      </div>
      {path && path.shares.length > 0 && (
        <Section title="Critical path" flush note="by operation, largest first">
          <Table
            label="Critical path"
            rows={path.shares}
            id={(s) => `${s.service} ${s.operation}`}
            columns={[
              {
                title: "Operation",
                cell: (s) => (
                  <>
                    <strong>{s.service}</strong> {s.operation}
                  </>
                ),
              },
              {
                title: "Own time",
                right: true,
                width: "120px",
                cell: (s) => formatDuration(durationMillis(s.duration)),
              },
              { title: "Share", right: true, width: "100px", cell: (s) => formatShare(s.share) },
            ]}
          />
        </Section>
      )}
    </>
  );
}

function Summary({ data, path }: { data: GetTraceResponse; path: GetCriticalPathResponse | undefined }) {
  const s = data.summary;
  const [tone, word] = traceWords[s?.state ?? 0];
  return (
    <dl class="figures">
      <Figure label="Duration">{formatDuration(durationMillis(s?.duration))}</Figure>
      <Figure label="State" note={s?.incompleteReason}>
        <Status tone={tone}>{word}</Status>
      </Figure>
      <Figure label="Spans">{s?.spanCount ?? "–"}</Figure>
      <Figure label="Errors" note={s?.error}>
        {s?.errorCount ?? "–"}
      </Figure>
      <Figure label="Services">{s?.services.length ?? "–"}</Figure>
      <Figure label="Critical path" note={path?.reason}>
        {path ? (path.status === CriticalPathStatus.COMPLETE ? "Complete" : "Partial") : "–"}
      </Figure>
      <Figure label="Start" note={formatMoment(millis(s?.startTime)).slice(0, 10)}>
        {formatMoment(millis(s?.startTime)).slice(11, 23)}
      </Figure>
    </dl>
  );
}

function TraceLogs({ id }: { id: string }) {
  const found = useLoad(`logs of ${id}`, (signal) => logs.searchLogs({ traceId: id, pageSize: 200 }, { signal }));
  return (
    <Section title="Logs of this trace" flush>
      <Show of={found} rows={3}>
        {(data) =>
          data.logs.length === 0 ? (
            <Empty title="No log record carries this trace's id" />
          ) : (
            <LogTable rows={data.logs} />
          )
        }
      </Show>
    </Section>
  );
}
