import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { diagnosis, remediation } from "./api";
import { useCell } from "./cell";
import { IncidentState } from "./gen/triflow/diagnosis/v1/diagnosis_pb";
import { ChangeKind } from "./gen/triflow/gateway/v1/gateway_pb";
import { RemediationState } from "./gen/triflow/remediation/v1/remediation_pb";
import { moveRow, useKeys } from "./keys";
import { liveState } from "./live";
import { useLoad } from "./load";
import { AnomaliesPage } from "./pages/anomalies";
import { IncidentPage } from "./pages/incident";
import { IncidentsPage } from "./pages/incidents";
import { LogsPage } from "./pages/logs";
import { MapPage } from "./pages/map";
import { OverviewPage } from "./pages/overview";
import { RemediationPage, RemediationsPage } from "./pages/remediations";
import { SamplingPage } from "./pages/sampling";
import { ServicePage } from "./pages/service";
import { SettingsPage } from "./pages/settings";
import { TracePage } from "./pages/trace";
import { TracesPage } from "./pages/traces";
import { Help } from "./parts/help";
import { Icon, type IconName } from "./parts/icons";
import { Page } from "./parts/page";
import { Empty, Show } from "./parts/states";
import { go, useAddress } from "./router";
import { isDark, theme, toggleTheme } from "./theme";

interface Entry {
  path: string;
  label: string;
  icon: IconName;
  key: string;
  /** First path parts of the pages under it. */
  under: string[];
}

const entries: Entry[] = [
  { path: "/", label: "Overview", icon: "overview", key: "o", under: ["services"] },
  { path: "/incidents", label: "Incidents", icon: "incident", key: "i", under: ["incidents"] },
  { path: "/map", label: "Service map", icon: "map", key: "m", under: ["map"] },
  { path: "/traces", label: "Traces", icon: "trace", key: "t", under: ["traces"] },
  { path: "/logs", label: "Logs", icon: "log", key: "l", under: ["logs"] },
  { path: "/anomalies", label: "Anomalies", icon: "anomaly", key: "a", under: ["anomalies"] },
  { path: "/remediations", label: "Remediations", icon: "plan", key: "r", under: ["remediations"] },
  { path: "/arrival", label: "Arrival", icon: "arrival", key: "v", under: ["arrival"] },
  { path: "/sampling", label: "Sampling", icon: "sampling", key: "p", under: ["sampling"] },
  { path: "/settings", label: "System", icon: "settings", key: "s", under: ["settings"] },
];

/** The frame round every page, and the choice of the page by the address. */
export function App() {
  const { parts } = useAddress();
  const [help, setHelp] = useState(false);
  useKeys({
    ...Object.fromEntries(entries.map((e) => [`g ${e.key}`, () => go(e.path)])),
    j: () => moveRow(1),
    k: () => moveRow(-1),
    "/": () => document.querySelector<HTMLElement>("main [data-search]")?.focus(),
    "?": () => setHelp(true),
    d: toggleTheme,
    Escape: () => (parts.length > 1 ? go(`/${parts[0] === "services" ? "" : parts[0]}`) : false),
  });
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Rail first={parts[0] ?? ""} onHelp={() => setHelp(true)} />
      <Focused at={parts.join("/")}>{page(parts)}</Focused>
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

function page([first = "", second, ...rest]: string[]): ComponentChildren {
  if (rest.length === 0) {
    switch (`${first}${second === undefined ? "" : "/*"}`) {
      case "":
        return <OverviewPage />;
      case "services/*":
        return <ServicePage key={second} name={second!} />;
      case "map":
        return <MapPage />;
      case "traces":
        return <TracesPage />;
      case "traces/*":
        return <TracePage key={second} id={second!} />;
      case "logs":
        return <LogsPage />;
      case "incidents":
        return <IncidentsPage />;
      case "incidents/*":
        return <IncidentPage key={second} id={second!} />;
      case "remediations":
        return <RemediationsPage />;
      case "remediations/*":
        return <RemediationPage key={second} id={second!} />;
      case "anomalies":
        return <AnomaliesPage />;
      case "arrival":
        return <Arrival page="ArrivalPage" />;
      case "arrival/*":
        if (second === "sender") return <Arrival page="SenderPage" />;
        break;
      case "sampling":
        return <SamplingPage />;
      case "settings":
        return <SettingsPage />;
    }
  }
  return (
    <Page title="Not found">
      <Empty title="There is no such page">
        <a href="/">Go to the overview</a>, or press <kbd>g</kbd> <kbd>o</kbd>.
      </Empty>
    </Page>
  );
}

/** The pages on arrival. Their code is loaded when one is first opened: most visits do without it. */
function Arrival({ page }: { page: "ArrivalPage" | "SenderPage" }) {
  const code = useLoad("code of arrival", () => import("./pages/arrival"));
  const Shown = code.data?.[page];
  if (Shown) return <Shown />;
  return (
    <Page title="Arrival">
      <Show of={code}>{() => null}</Show>
    </Page>
  );
}

/** The main region. After a step to another page the focus is at its start, as it would be after loading a document. */
function Focused({ at, children }: { at: string; children: ComponentChildren }) {
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
    main.current?.scrollTo(0, 0);
  }, [at]);
  return (
    <main id="main" class="main" tabIndex={-1} ref={main}>
      {children}
    </main>
  );
}

function Rail({ first, onHelp }: { first: string; onHelp: () => void }) {
  const open = useLoad(
    "rail incidents",
    (signal) => diagnosis.listIncidents({ state: IncidentState.OPEN, pageSize: 200 }, { signal }),
    { on: ChangeKind.INCIDENT },
  );
  const proposed = useLoad(
    "rail plans",
    (signal) => remediation.listRemediations({ state: RemediationState.PROPOSED, pageSize: 200 }, { signal }),
    { on: ChangeKind.REMEDIATION },
  );
  const counts: Record<string, [number, string]> = {
    "/incidents": [open.data?.incidents.length ?? 0, "open"],
    "/remediations": [proposed.data?.remediations.length ?? 0, "to approve"],
  };
  const pages = useRef<HTMLElement>(null);
  useEffect(() => {
    // Narrow screens have no room for all pages: the present one must be among those in sight, also when counts appear.
    pages.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [first, open.data, proposed.data]);
  return (
    <header class="rail">
      <a class="brand" href="/">
        <Icon name="brand" />
        <span>Triflow</span>
      </a>
      <nav aria-label="Pages" ref={pages}>
        {entries.map((e) => {
          const current = e.path === "/" ? first === "" || e.under.includes(first) : e.under.includes(first);
          const [n, what] = counts[e.path] ?? [0, ""];
          return (
            <a key={e.path} href={e.path} class="rail-link" aria-current={current ? "page" : undefined}>
              <Icon name={e.icon} />
              <span class="rail-label">{e.label}</span>
              {n > 0 ? (
                <span class={`rail-count ${e.path === "/incidents" ? "is-bad" : "is-warn"}`} title={`${n} ${what}`}>
                  {n}
                  <span class="sr"> {what}</span>
                </span>
              ) : (
                <span class="rail-key" aria-hidden="true">
                  g {e.key}
                </span>
              )}
            </a>
          );
        })}
      </nav>
      <div class="rail-foot">
        <LiveSign />
        <ThemeButton />
        <button
          type="button"
          class="icon-button"
          onClick={onHelp}
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
        >
          <Icon name="keyboard" />
        </button>
      </div>
    </header>
  );
}

function LiveSign() {
  const state = useCell(liveState);
  const text = {
    connecting: ["Connecting", "Opening the stream of changes"],
    live: ["Live", "Changes come as they happen"],
    polling: ["Polling", "The stream of changes is closed; reading again every 5 s"],
  }[state];
  return (
    <span class={`live is-${state}`} role="status" title={text[1]}>
      <span class="live-dot" aria-hidden="true" />
      {text[0]}
    </span>
  );
}

function ThemeButton() {
  useCell(theme);
  const dark = isDark();
  return (
    <button
      type="button"
      class="icon-button"
      onClick={toggleTheme}
      aria-label={dark ? "Use the light theme" : "Use the dark theme"}
      title={`${dark ? "Light" : "Dark"} theme (d)`}
    >
      <Icon name={dark ? "sun" : "moon"} />
    </button>
  );
}
