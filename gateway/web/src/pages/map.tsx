import { assembly, diagnosis } from "../api";
import { HealthState } from "../gen/triflow/diagnosis/v1/diagnosis_pb";
import { ChangeKind } from "../gen/triflow/gateway/v1/gateway_pb";
import { useLoad } from "../load";
import { duration } from "../model/time";
import { healthWords } from "../model/words";
import { ServiceGraph } from "../parts/graph";
import { Page, Section } from "../parts/page";
import { Empty, Show } from "../parts/states";
import { useWindow, WindowChoice } from "./window";

/** Who calls whom, over the chosen window. */
export function MapPage() {
  return (
    <Page title="Service map" actions={<WindowChoice />}>
      <GraphSection />
    </Page>
  );
}

/** The service graph with the state of every service. */
export function GraphSection() {
  const windowMillis = useWindow();
  const loaded = useLoad(
    `graph ${windowMillis}`,
    async (signal) => {
      const [graph, states] = await Promise.all([
        assembly.getGraph({ window: duration(windowMillis) }, { signal }),
        diagnosis.listServiceStates({}, { signal }),
      ]);
      return { graph, states: new Map(states.states.map((s) => [s.service, s.state])) };
    },
    { on: ChangeKind.INCIDENT, every: 10_000 },
  );
  return (
    <Section title="Service graph" note="callers left of what they call; dashed lines are not waited for">
      <Show of={loaded}>
        {({ graph, states }) =>
          graph.services.length === 0 ? (
            <Empty title="No calls in this window" />
          ) : (
            <ServiceGraph
              services={graph.services}
              edges={graph.edges}
              state={(name) => healthWords[states.get(name) ?? HealthState.UNSPECIFIED]}
            />
          )
        }
      </Show>
    </Section>
  );
}
