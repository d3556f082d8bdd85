// Package web holds the page of Triflow as it is embedded in the binary.
//
// The page is written in TypeScript under src/ and built into dist/, which is not committed. Only a build with the tag
// web embeds it, so that the rest of Triflow builds with Go alone; Files tells the two apart.
//
// In this folder, after `npm ci`: `npm run dev` serves the page with calls passed on to a Triflow at 127.0.0.1:8080 (or
// TRIFLOW_URL), `npm run build` makes dist/, `npm test` tests src/model, `npm run e2e:mock` drives the built page in a
// browser (/usr/bin/chromium, or CHROMIUM) against a stand-in for the gateway, and `npm run e2e` drives the page that
// TRIFLOW_URL serves: it waits up to 120 s for an incident, opens its example trace and approves its plan. `npm run
// e2e:arrival` does so for what arrives: its first test wants a Triflow that nobody has sent anything to, the others the
// demo shop's telemetry.
//
// Every path of the page that is not a file (/traces/<id>, /incidents/<id>, …) is to be answered with index.html. The
// page needs no more than this policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';
// connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'. Files under assets/ have the hash of
// their content in their name and may be cached for ever; everything else must be revalidated.
package web
