// Package arch holds the rules of which package may import which, as a test. It has no other content.
//
//	cmd ──► services, gateway, tilt ──► proto/gen, pkg
//
// A service never sees another service, nor the gateway: what they have to say to each other is in the contracts.
// A package below services/<service>/internal is a core, a function of what it is given, and reads no clock.
package arch
