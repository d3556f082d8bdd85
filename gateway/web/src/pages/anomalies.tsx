import { anomaly } from "../api";
import type { Anomaly } from "../gen/triflow/anomaly/v1/anomaly_pb";
import { ChangeKind } from "../gen/triflow/gateway/v1/gateway_pb";
import { useLoad } from "../load";
import { formatValue, seriesSubject, seriesWords } from "../model/series";
import { formatDuration, millis } from "../model/time";
import { directionWord } from "../model/words";
import { Clock, Page, Section, Tabs } from "../parts/page";
import { Paged } from "../parts/paged";
import { Empty, Show } from "../parts/states";
import { Confidence, Status } from "../parts/status";
import { Table } from "../parts/table";
import { setQuery, useAddress, withQuery } from "../router";
import { SeriesChart } from "./evidence";
import { FilterToken } from "./window";

/** Every series that left its own past. */
export function AnomaliesPage() {
  const { query } = useAddress();
  const [service, active, shown] = [query.get("service") ?? "", query.get("active") === "yes", query.get("show")];
  const read = (pageToken: string, signal?: AbortSignal) =>
    anomaly
      .listAnomalies({ service, active, pageSize: 100, pageToken }, { signal })
      .then((r) => ({ rows: r.anomalies, token: r.nextPageToken }));
  const first = useLoad(`anomalies ${service} ${active}`, (signal) => read("", signal), {
    on: ChangeKind.INCIDENT,
    every: 10_000,
  });
  const tabs = [
    { id: "all", label: "All", href: withQuery({ active: undefined }) },
    { id: "active", label: "Going on", href: withQuery({ active: "yes" }) },
  ];
  const chosen = first.data?.rows.find((a) => a.id === shown);
  return (
    <Page title="Anomalies" actions={<Tabs label="Which" current={active ? "active" : "all"} items={tabs} />}>
      <form class="filters" onSubmit={(e) => e.preventDefault()}>
        <label class="field">
          Service
          <input value={service} onChange={(e) => setQuery({ service: e.currentTarget.value })} data-search />
        </label>
        {service && <FilterToken name="service" value={service} query="service" />}
      </form>
      {chosen && (
        <Section title="Series" actions={<a href={withQuery({ show: undefined })}>Close</a>}>
          <SeriesChart of={chosen} />
        </Section>
      )}
      <Section title="Anomalies" flush note="latest start first">
        <Show of={first} rows={8}>
          {(data) =>
            data.rows.length === 0 ? (
              <Empty title="No anomaly">Series are compared with their own past; it takes a while to have one.</Empty>
            ) : (
              <Paged first={data} next={read}>
                {(rows) => <AnomalyTable rows={rows} href={(a) => withQuery({ show: a.id })} />}
              </Paged>
            )
          }
        </Show>
      </Section>
    </Page>
  );
}

/** Anomalies as rows. */
export function AnomalyTable({ rows, href }: { rows: Anomaly[]; href?: (a: Anomaly) => string }) {
  return (
    <Table
      label="Anomalies"
      rows={rows}
      id={(a) => a.id}
      href={href}
      columns={[
        {
          title: "Series",
          cell: (a) => (
            <>
              <strong>{a.series && seriesSubject(a.series)}</strong>{" "}
              <span class="dim">{seriesWords(a.series?.name ?? "")}</span>
            </>
          ),
        },
        {
          title: "What",
          width: "270px",
          cell: (a) => {
            const value = (v: number) => formatValue(a.series?.name ?? "", v);
            return `${directionWord(a.direction)} to ${value(a.value)} from ${value(a.expected)}`;
          },
        },
        { title: "Score", right: true, width: "76px", wide: true, cell: (a) => a.score.toFixed(1) },
        { title: "Confidence", width: "165px", wide: true, cell: (a) => <Confidence value={a.confidence} /> },
        {
          title: "State",
          width: "130px",
          wide: true,
          cell: (a) =>
            a.endTime ? (
              <span class="dim">{formatDuration(millis(a.endTime) - millis(a.startTime))}</span>
            ) : (
              <Status tone="warn">goes on</Status>
            ),
        },
        { title: "Start", right: true, width: "92px", cell: (a) => <Clock ms={millis(a.startTime)} /> },
      ]}
    />
  );
}
