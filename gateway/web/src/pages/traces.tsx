import { useEffect, useState } from "preact/hooks";
import { assembly } from "../api";
import { StatusFilter, type TraceSummary } from "../gen/triflow/assembly/v1/assembly_pb";
import { useLoad } from "../load";
import { attributeList, parseSearch, searchKeys, searchText } from "../model/search";
import { duration, durationMillis, formatDuration, millis, parseDuration, timestamp } from "../model/time";
import { count, traceWords } from "../model/words";
import { Clock, Page, Section } from "../parts/page";
import { Paged } from "../parts/paged";
import { Empty, Search, Show } from "../parts/states";
import { Mark, Status } from "../parts/status";
import { Table } from "../parts/table";
import { go, setQuery, useAddress } from "../router";
import { Since } from "./window";

const statuses: Record<string, StatusFilter> = { ok: StatusFilter.OK, error: StatusFilter.ERROR };
const pageSize = 50;

/** The filters as the address holds them. */
function useFilters() {
  const { query } = useAddress();
  const text = (key: string) => query.get(key) ?? "";
  return {
    service: text("service"),
    operation: text("operation"),
    status: text("status"),
    min: text("min"),
    max: text("max"),
    attribute: text("attribute"),
    from: text("from"),
    to: text("to"),
  };
}

type Filters = ReturnType<typeof useFilters>;

function request(f: Filters, pageToken = "") {
  const time = (text: string) => (text && Number.isFinite(Date.parse(text)) ? timestamp(Date.parse(text)) : undefined);
  const length = (text: string) => {
    const ms = parseDuration(text);
    return ms === undefined ? undefined : duration(ms);
  };
  return {
    service: f.service,
    operation: f.operation,
    status: statuses[f.status] ?? StatusFilter.UNSPECIFIED,
    minDuration: length(f.min),
    maxDuration: length(f.max),
    attribute: attributeList(f.attribute),
    startTime: time(f.from),
    endTime: time(f.to),
    pageSize,
    pageToken,
  };
}

/** Search over the kept traces. */
export function TracesPage() {
  const filters = useFilters();
  const key = `traces ${JSON.stringify(filters)}`;
  const read = (token: string, signal?: AbortSignal) =>
    assembly
      .searchTraces(request(filters, token), { signal })
      .then((r) => ({ rows: r.traces, token: r.nextPageToken }));
  const first = useLoad(key, (signal) => read("", signal));
  return (
    <Page
      title="Traces"
      actions={
        <button type="button" class="button" onClick={first.reload}>
          Refresh
        </button>
      }
    >
      <FilterBar filters={filters} />
      <Section title="Kept traces" flush note="newest first">
        <Show of={first} rows={10}>
          {(data) =>
            data.rows.length === 0 ? (
              <Empty title="No trace matches">
                <a href="/traces">Remove all filters</a>, or look for a service that was sampled: errors and slow traces
                are kept first.
              </Empty>
            ) : (
              <Paged key={key} first={data} next={read}>
                {(rows) => <Results rows={rows} />}
              </Paged>
            )
          }
        </Show>
      </Section>
    </Page>
  );
}

function FilterBar({ filters }: { filters: Filters }) {
  const services = useLoad("trace services", (signal) =>
    assembly.listServices({ window: duration(3_600_000) }, { signal }),
  );
  const [text, setText] = useState(searchText(filters));
  const known = searchText(filters);
  useEffect(() => setText(known), [known]);
  return (
    <form
      class="filters"
      onSubmit={(e) => {
        e.preventDefault();
        const id = /^[0-9a-f]{32}$/i.exec(text.trim());
        if (id) go(`/traces/${id[0].toLowerCase()}`);
        else setQuery({ ...Object.fromEntries(searchKeys.map((k) => [k, undefined])), ...parseSearch(text) });
      }}
    >
      <Search
        label="Search traces"
        value={text}
        onInput={setText}
        placeholder="operation=checkout min=200ms http.route=/cart, or a trace id"
      />
      <label class="select">
        <span class="sr">Service</span>
        <select value={filters.service} onChange={(e) => setQuery({ service: e.currentTarget.value })}>
          <option value="">Any service</option>
          {[...new Set([...(services.data?.services.map((s) => s.name) ?? []), filters.service])]
            .filter(Boolean)
            .map((n) => (
              <option key={n} value={n}>
                {n}
              </option>
            ))}
        </select>
      </label>
      <label class="select">
        <span class="sr">Status</span>
        <select value={filters.status} onChange={(e) => setQuery({ status: e.currentTarget.value })}>
          <option value="">Any status</option>
          <option value="error">With errors</option>
          <option value="ok">Without errors</option>
        </select>
      </label>
      <Since label="Started within the last" />
    </form>
  );
}

function Results({ rows }: { rows: TraceSummary[] }) {
  const longest = Math.max(...rows.map((r) => durationMillis(r.duration)), 1e-6);
  return <TraceTable rows={rows} longest={longest} />;
}

/** Rows of traces; a row answers most questions without being opened. */
export function TraceTable({ rows, longest }: { rows: TraceSummary[]; longest: number }) {
  return (
    <Table
      label="Traces"
      rows={rows}
      id={(r) => r.traceId}
      href={(r) => `/traces/${r.traceId}`}
      columns={[
        {
          title: "Trace",
          cell: (r) => (
            <span class="trace-name">
              <strong>{r.rootService || "no root"}</strong> <span>{r.rootOperation}</span>
              {r.error && (
                <span class="trace-error">
                  <Mark tone="bad" /> {r.error}
                </span>
              )}
            </span>
          ),
        },
        {
          title: "Duration",
          width: "190px",
          cell: (r) => (
            <span class="length">
              <span class="num">{formatDuration(durationMillis(r.duration))}</span>
              <span class="length-bar" aria-hidden="true">
                <span style={{ width: `${Math.max(1, (durationMillis(r.duration) / longest) * 100)}%` }} />
              </span>
            </span>
          ),
        },
        { title: "Spans", right: true, width: "72px", cell: (r) => r.spanCount },
        {
          title: "Errors",
          right: true,
          width: "68px",
          cell: (r) => <span class={r.errorCount ? "tone-bad strong" : "dim"}>{r.errorCount}</span>,
        },
        {
          title: "Services",
          right: true,
          width: "76px",
          wide: true,
          cell: (r) => <span title={r.services.join(", ")}>{r.services.length}</span>,
        },
        {
          title: "State",
          width: "116px",
          wide: true,
          cell: (r) => {
            const [tone, word] = traceWords[r.state];
            return (
              <span title={r.incompleteReason}>
                <Status tone={tone}>{word}</Status>
              </span>
            );
          },
        },
        {
          title: "Kept by",
          width: "150px",
          wide: true,
          cell: (r) => (
            <span
              class="clip dim"
              title={r.adjustedCount ? `stands for ${count(Math.round(r.adjustedCount), "trace")}` : undefined}
            >
              {r.policy}
              {r.adjustedCount > 1 && ` ×${Math.round(r.adjustedCount)}`}
            </span>
          ),
        },
        { title: "Start", right: true, width: "86px", cell: (r) => <Clock ms={millis(r.startTime)} /> },
      ]}
    />
  );
}
