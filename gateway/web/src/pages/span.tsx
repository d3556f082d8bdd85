import { type Attribute, attributes } from "../model/attributes";
import { formatDuration } from "../model/time";
import { kindWord, type Trace } from "../model/trace";
import { Copy, Section } from "../parts/page";

/** Everything that a span carries. */
export function SpanDetail({ trace, row, onClose }: { trace: Trace; row: number; onClose: () => void }) {
  const { span, resource, scope, note } = trace.sources[row]!;
  const since = (nano: bigint) => formatDuration(Number(nano - span.startTimeUnixNano) / 1e6);
  return (
    <Section
      title={span.name}
      actions={
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      }
    >
      <p class="dim">
        {trace.services[trace.service[row]!]} · {kindWord(span.kind)} · {formatDuration(trace.duration[row]!)} · after{" "}
        {formatDuration(trace.start[row]!)}
      </p>
      <Copy value={trace.ids[row]!} label="span id" />
      {note && note.qualityFlags.length > 0 && (
        <p class="tone-warn">Doubtful: {note.qualityFlags.map((f) => f.replaceAll("_", " ")).join(", ")}</p>
      )}
      {trace.error[row] === 1 && <p class="tone-bad strong">{span.status?.message || "Error status"}</p>}
      <Attributes title="Attributes" list={attributes(span.attributes)} />
      {span.events.length > 0 && (
        <>
          <h3>Events</h3>
          {span.events.map((e, i) => (
            <Attributes key={i} title={`${e.name} after ${since(e.timeUnixNano)}`} list={attributes(e.attributes)} />
          ))}
        </>
      )}
      <Attributes title="Resource" list={attributes(resource?.attributes ?? [])} />
      {scope?.name && (
        <p class="dim">
          Made by {scope.name} {scope.version}
        </p>
      )}
    </Section>
  );
}

function Attributes({ title, list }: { title: string; list: Attribute[] }) {
  return (
    <details class="attributes" open>
      <summary>{title}</summary>
      {list.length === 0 ? (
        <p class="dim">none</p>
      ) : (
        <dl class="parameters">
          {list.map((a) => (
            <div key={a.key}>
              <dt>{a.key}</dt>
              <dd>
                <code>{a.value}</code>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </details>
  );
}
