// Package web holds the page of Triflow as it is embedded in the binary.
//
// The page is written in TypeScript under src/ and built into dist/, which is not committed. Only a build with the tag
// web embeds it, so that the rest of Triflow builds with Go alone; Files tells the two apart.
//
// Every path of the page that is not a file (/traces/<id>, /incidents/<id>, …) is to be answered with index.html. The
// page needs no more than this policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';
// connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'. Files under assets/ have the hash of
// their content in their name and may be cached for ever; everything else must be revalidated.
package web
