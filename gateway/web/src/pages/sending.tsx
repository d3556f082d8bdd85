import { useState } from "preact/hooks";
import { config } from "../api";
import { useLoad } from "../load";
import { doors, sdkCommand, spanCommand } from "../model/sending";
import { Copy } from "../parts/page";
import { Empty } from "../parts/states";

/** What a newcomer does first: two commands that send to this Triflow. */
export function HowToSend() {
  const settings = useLoad("sending settings", (signal) => config.getConfig({}, { signal }));
  const [span] = useState(() => ({ at: Date.now(), traceId: randomHex(16), spanId: randomHex(8) }));
  const setting = (name: string) => settings.data?.settings.find((s) => s.name === name)?.value;
  // Nothing to copy before the addresses are known: a wrong one would be worse than a moment without.
  if (settings.loading) return <Empty title="Nothing has arrived yet" />;
  const to = doors(setting("ingestion-grpc"), setting("ingestion-http"), location.hostname);
  return (
    <Empty title="Nothing has arrived yet">
      <ol class="commands">
        <Command what="Tell an application with an OpenTelemetry SDK where to send, before it starts:">
          {sdkCommand(to)}
        </Command>
        <Command what="Or send one span by hand:">{spanCommand(to, span.at, span.traceId, span.spanId)}</Command>
      </ol>
      <p>Whoever sends appears here within seconds, and so does what is refused of him, with the reason.</p>
    </Empty>
  );
}

function Command({ what, children }: { what: string; children: string }) {
  return (
    <li>
      <div class="command-head">
        <span>{what}</span>
        <Copy value={children} label="command" shown="copy" />
      </div>
      <pre>{children}</pre>
    </li>
  );
}

function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, "0")).join("");
}
