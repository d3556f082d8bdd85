import { render } from "preact";
import { App } from "./app";
import { startKeys } from "./keys";
import { startLive } from "./live";
import { startNow } from "./now";
import { startRouter } from "./router";

startRouter();
startKeys();
startNow();
startLive();
render(<App />, document.getElementById("app")!);
