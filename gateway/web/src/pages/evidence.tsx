import { anomaly } from "../api";
import type { Anomaly } from "../gen/triflow/anomaly/v1/anomaly_pb";
import type { Evidence, Incident } from "../gen/triflow/diagnosis/v1/diagnosis_pb";
import { useLoad } from "../load";
import { formatValue, line, sameSeries, seriesSubject, seriesWords } from "../model/series";
import { millis, timestamp } from "../model/time";
import { Chart } from "../parts/chart";
import { Empty, Show } from "../parts/states";
import { href } from "../router";

const around = 5 * 60_000;

/** Facts, strongest first, each with where to look it up. */
export function EvidenceList({ evidence, incident }: { evidence: Evidence[]; incident: Incident }) {
  return (
    <ul class="evidence">
      {evidence.map((e, i) => (
        <li key={i}>
          <span>{e.statement}</span> <Lookup evidence={e} incident={incident} />
        </li>
      ))}
    </ul>
  );
}

function Lookup({ evidence, incident }: { evidence: Evidence; incident: Incident }) {
  const { fact } = evidence;
  switch (fact.case) {
    case "trace":
      return <a href={`/traces/${fact.value.traceId}`}>Example trace {fact.value.traceId.slice(0, 8)}</a>;
    case "logTemplate": {
      const from = new Date(millis(incident.startTime) - around).toISOString();
      return (
        <>
          <code class="template">{fact.value.template}</code>{" "}
          <a href={href("/logs", { template: fact.value.templateId, from })}>Log records</a>
        </>
      );
    }
    case "edge":
      return (
        <a href={`/services/${encodeURIComponent(fact.value.client)}`}>
          {fact.value.client} → {fact.value.server}
        </a>
      );
    case "series":
      return <SeriesChart of={fact.value} />;
    default:
      return null;
  }
}

/** The series of an anomaly, from a while before it to a while after, with its baseline and the stretch marked. */
export function SeriesChart({ of }: { of: Anomaly }) {
  const { series } = of;
  const [from, last] = [millis(of.startTime), millis(of.endTime ?? of.lastTime)];
  const loaded = useLoad(
    `series of ${of.id}`,
    async (signal) => {
      const service = series?.labels.service ?? series?.labels.server ?? "";
      const found = await anomaly.querySeries(
        { name: series?.name, service, startTime: timestamp(from - around), endTime: timestamp(last + around) },
        { signal },
      );
      return found.series.find((s) => sameSeries(s.series, series)) ?? null;
    },
    { every: of.endTime ? undefined : 10_000 },
  );
  if (!series) return null;
  const words = `${seriesSubject(series)}: ${seriesWords(series.name)}`;
  const gist = `${formatValue(series.name, of.value)}, usually ${formatValue(series.name, of.expected)}`;
  return (
    <figure class="series">
      <figcaption>
        <strong>{words}</strong> <span class="dim">{gist}</span>
      </figcaption>
      <Show of={loaded} rows={2}>
        {(points) =>
          points ? (
            <Chart
              name={series.name}
              line={line(points)}
              marks={{ expected: of.expected, scale: of.scale, from, to: last }}
              label={`${words}. ${gist}`}
            />
          ) : (
            <Empty title="The points are no longer kept" />
          )
        }
      </Show>
    </figure>
  );
}
