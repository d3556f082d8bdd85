import { logs } from "../api";
import type { LogRecord, LogTemplate } from "../gen/triflow/logs/v1/logs_pb";
import { useLoad } from "../load";
import { formatCount, formatRate } from "../model/number";
import { millis, timestamp } from "../model/time";
import { Ago, Clock, Page, Section, Tabs } from "../parts/page";
import { Paged } from "../parts/paged";
import { Empty, Search, Show } from "../parts/states";
import { Severity } from "../parts/status";
import { Table } from "../parts/table";
import { href, setQuery, useAddress, withQuery } from "../router";
import { FilterToken, Since } from "./window";

/** Log records, or the templates mined from them. */
export function LogsPage() {
  const { query } = useAddress();
  const view = query.get("view") === "templates" ? "templates" : "records";
  const severity = query.get("severity") ?? "";
  const service = query.get("service") ?? "";
  const tabs = ["records", "templates"].map((id) => ({
    id,
    label: id === "records" ? "Records" : "Templates",
    href: withQuery({ view: id, template: undefined }),
  }));
  return (
    <Page title="Logs" actions={<Tabs label="View" current={view} items={tabs} />}>
      <form class="filters" onSubmit={(e) => e.preventDefault()}>
        {view === "records" && (
          <Search
            label="Text that the record contains"
            value={query.get("contains") ?? ""}
            onInput={(contains) => setQuery({ contains }, "replace")}
          />
        )}
        <label class="field">
          Service
          <input value={service} onChange={(e) => setQuery({ service: e.currentTarget.value })} />
        </label>
        <label class="field">
          Severity
          <select value={severity} onChange={(e) => setQuery({ severity: e.currentTarget.value })}>
            <option value="">Any</option>
            <option value="9">Info and worse</option>
            <option value="13">Warn and worse</option>
            <option value="17">Error and worse</option>
          </select>
        </label>
        {view === "records" && <Since label="Written within the last" />}
        {["template", "trace"].map(
          (k) => query.get(k) && <FilterToken key={k} name={k} value={query.get(k)!} query={k} />,
        )}
      </form>
      {view === "records" ? <Records /> : <Templates service={service} severity={Number(severity)} />}
    </Page>
  );
}

function Records() {
  const { query } = useAddress();
  const time = (key: string) => {
    const ms = Date.parse(query.get(key) ?? "");
    return Number.isFinite(ms) ? timestamp(ms) : undefined;
  };
  const read = (pageToken: string, signal?: AbortSignal) =>
    logs
      .searchLogs(
        {
          service: query.get("service") ?? "",
          traceId: query.get("trace") ?? "",
          templateId: query.get("template") ?? "",
          minSeverityNumber: Number(query.get("severity") ?? 0),
          contains: query.get("contains") ?? "",
          startTime: time("from"),
          endTime: time("to"),
          pageSize: 100,
          pageToken,
        },
        { signal },
      )
      .then((r) => ({ rows: r.logs, token: r.nextPageToken }));
  const first = useLoad(`logs ${query}`, (signal) => read("", signal));
  return (
    <Section title="Records" flush note="newest first">
      <Show of={first} rows={10}>
        {(data) =>
          data.rows.length === 0 ? (
            <Empty title="No record matches">
              <a href="/logs">Remove all filters</a>
            </Empty>
          ) : (
            <Paged first={data} next={read}>
              {(rows) => <LogTable rows={rows} />}
            </Paged>
          )
        }
      </Show>
    </Section>
  );
}

/** Records as rows. */
export function LogTable({ rows }: { rows: LogRecord[] }) {
  return (
    <Table
      label="Log records"
      rows={rows.map((record, index) => ({ record, index }))}
      id={(r) => String(r.index)}
      columns={[
        { title: "Time", width: "96px", cell: ({ record }) => <Clock ms={millis(record.time)} /> },
        { title: "Severity", width: "92px", cell: ({ record }) => <Severity number={record.severityNumber} /> },
        { title: "Service", width: "150px", wide: true, cell: ({ record }) => record.service },
        { title: "Body", cell: ({ record }) => <span class="body">{record.body}</span> },
        {
          title: "Trace",
          width: "100px",
          cell: ({ record: r }) =>
            r.traceId && (
              <a href={href(`/traces/${r.traceId}`, { span: r.spanId })}>
                <code>{r.traceId.slice(0, 8)}</code>
              </a>
            ),
        },
      ]}
    />
  );
}

function Templates({ service, severity }: { service: string; severity: number }) {
  const read = (pageToken: string, signal?: AbortSignal) =>
    logs
      .listTemplates({ service, minSeverityNumber: severity, pageSize: 100, pageToken }, { signal })
      .then((r) => ({ rows: r.templates, token: r.nextPageToken }));
  const first = useLoad(`templates ${service} ${severity}`, (signal) => read("", signal), { every: 10_000 });
  return (
    <Section title="Templates" flush note="most records first; <*> stands for what varies">
      <Show of={first} rows={10}>
        {(data) =>
          data.rows.length === 0 ? (
            <Empty title="No template matches" />
          ) : (
            <Paged first={data} next={read}>
              {(rows) => <TemplateTable rows={rows} />}
            </Paged>
          )
        }
      </Show>
    </Section>
  );
}

function TemplateTable({ rows }: { rows: LogTemplate[] }) {
  return (
    <Table
      label="Log templates"
      rows={rows}
      id={(t) => t.id}
      href={(t) => href("/logs", { view: "records", service: t.service, template: t.id })}
      columns={[
        { title: "Template", cell: (t) => <code class="body">{t.template}</code> },
        { title: "Service", width: "150px", cell: (t) => t.service },
        { title: "Severity", width: "92px", wide: true, cell: (t) => <Severity number={t.maxSeverityNumber} /> },
        { title: "Records", right: true, width: "100px", cell: (t) => formatCount(t.count) },
        { title: "Rate", right: true, width: "90px", wide: true, cell: (t) => formatRate(t.rate) },
        { title: "First", right: true, width: "110px", wide: true, cell: (t) => <Ago ms={millis(t.firstTime)} /> },
      ]}
    />
  );
}
