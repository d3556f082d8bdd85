import { render } from "preact";
import { App } from "./app";
import { startKeys } from "./keys";
import { startLive } from "./live";
import { startNow } from "./now";
import { startRouter } from "./router";
import "./theme.css";
import "./parts/frame.css";
import "./parts/parts.css";
import "./parts/shapes.css";
import "./parts/dialog.css";
import "./parts/drawings.css";
import "./pages/pages.css";

startRouter();
startKeys();
startNow();
startLive();
render(<App />, document.getElementById("app")!);
