// Package zipkin turns spans of Zipkin v2, as clients post them to /api/v2/spans, into a request of OTLP.
//
//	Zipkin                               OTLP
//	traceId, id, parentId                the ids; short ones are padded with zeros on the left
//	name, kind                           name, kind; INTERNAL without a kind
//	timestamp, duration                  start and end; a time of 0 is none, and without a start there is no end
//	localEndpoint.serviceName            service.name of the resource; spans of one service come together
//	localEndpoint.ipv4, .ipv6, .port     network.local.address, network.local.port
//	remoteEndpoint.serviceName           peer.service
//	remoteEndpoint.ipv4, .ipv6, .port    network.peer.address, network.peer.port
//	annotations                          events
//	tags                                 attributes of text, but for those that follow
//	tag error                            status ERROR, its text the message unless it is "true"; not if it is "false"
//	tags otel.status_code, …description  status, before the tag error
//	tags otel.scope.name, …version       name and version of the scope; otel.library.… as well
//	debug, shared                        attributes zipkin.debug, zipkin.shared, if true
//
// The two halves of a shared span stay two spans with one id, one of them of kind SERVER.
//
// Invariants. There are as many spans in the request as in the list, good or not, and a faulty one is marked; if it
// could not be told from its neighbours, all of the list is refused. What is not marked, otlp.Request takes. Nothing is
// kept between calls.
package zipkin
