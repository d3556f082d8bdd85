// Package pipeline passes telemetry through the stages that a configuration names, on the bytes of OTLP:
//
//	request ─ match ─ stage ─ stage ─ … ─ service
//	                    │       └ route ─ another pipeline, or a destination
//	                    ├ filter: dropped
//	                    └ aggregate: part of another
//
// An item, that is a span, a log record or a point, is taken by the first pipeline of its signal whose match holds, and
// goes to the destination "service" at the end of its pipeline; an item that no pipeline takes goes there at once. What
// a condition cannot be evaluated on, as for an attribute that is absent, it does not hold for.
//
// The configuration, in YAML, with what holds where a field is absent:
//
//	pipelines:
//	  - name: tidy                # unique, 1 to 64 of a-z, 0-9 and -
//	    signal: traces            # traces, logs or metrics
//	    match: 'tenant != "x"'    # a condition in CEL (see package expr); all items. 'false' for one that only routes lead to
//	    stages:                   # 1 to 64, each one of
//	      - filter: {drop: 'item.name == "GET /healthz"'}    # or keep: all others are dropped
//	      - mask:                 # keys, patterns or both
//	          keys: ["*.password", token]       # as they stand; * is any run of bytes, ? is any byte
//	          patterns: ['\b\d{16}\b']          # regular expressions of Go; not one that matches "" or "***"
//	          action: redact      # redact: the value becomes "***"; drop: the attribute or element is removed
//	      - transform:            # set, delete or both, of attributes
//	          when: 'attributes["x"] == 1'      # always
//	          set: {env: '"prod"', y: 'attributes["x"]'}    # expressions; all see what was there before the stage
//	          delete: [x]
//	          on: item            # item or resource; an expression on a resource knows resource and tenant only
//	      - aggregate:            # of metrics and logs; see below
//	          when: 'item.name == "requests"'   # always
//	          window: 10s         # 100ms to 1m; what is in one request
//	          drop: ["*.pod"]     # metrics: or keep: all other attributes go
//	          gauge: max          # metrics: last, min, max, mean or sum; last
//	          by: item.body       # logs: an expression; all that a record says but its times and ids
//	          count: log_count    # logs: the attribute with the number of records
//	      - route: {when: 'item.status == "error"', to: [backend, 'pipeline:tidy-errors', service]}    # always; last then
//	    limits: {max_hops: 16, max_steps: 1000000, timeout: 1s}    # 1 to 64; 1 to 1e9; 1ms to 1m
//
// A mask works on the attributes of the item, of its events, links and exemplars, of its metric, scope and resource, and
// on log bodies. Keys are compared to a key in a map also with the path to it, as user.password. Patterns are searched in
// text, bytes and whole numbers, and in names of spans, events and logs and in messages of statuses; of these, and of a
// body that is text, they hide only what they match, whatever the action. Keys themselves, trace states, names of metrics
// and fields that are not known are not searched.
//
// An aggregate is lossy. It makes one of the items that are alike, under resources and scopes with the same content, in
// the place of the first. Points are alike that are of one metric, with the same attributes after those that go and the
// same time, and, of deltas, the same start. Sums add up and stay monotonic, with the earliest start: if a stream starts
// over, their sum falls, which readers take for what it is. Package point says what histograms come to. What cannot be
// added, as summaries, sums without a temporality and histograms whose counts are not sound, keeps its attributes. Log
// records are alike that say the same, or of which "by" has the same value, in the same window of their own time, or of
// that when they were seen. The one that stays says how many it stands for (those of an earlier aggregate included) and
// when the first and the last of them were; a record without its like is not changed. Spans are not aggregated: two that
// look alike are still two that happened.
//
// Run knows one request. Who wants to aggregate over more joins requests before, for as long as Window says.
//
// A step is one stage on one item, one node of an expression that is evaluated, one attribute that is masked, 64 bytes
// that are searched, written or added up.
//
// Bounds. Pipelines that lead to each other in a cycle are refused by Load. At run time a request has, for each pipeline
// that takes items of it, a number of steps, a number of hops and a time. They are those of the pipeline that took the
// item first, wherever it goes from there, so a chain cannot multiply them. An item that is over them is dropped if a
// mask lies on one of the ways that are left to it, because a secret that gets out cannot be called back; any other item
// goes on to "service" as it is, because what a filter or a transform did not do can be done later. Both are counted.
//
// Invariants. What Run gives out is a valid request if what came in was one. An item that no stage edited is byte for
// byte what it was, and fields that this version of OTLP does not know stay. Each destination gets its items in the
// order of the request. Every item has one fate on the way to a destination, see Fates. The outcome depends on the
// configuration, the request and the tenant alone, so that a request that passes again, after a crash, comes to the same;
// but where the time ran out.
package pipeline
