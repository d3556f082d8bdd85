package shop

import (
	"log/slog"
	"time"
)

// spec says what one service is and does.
type spec struct {
	name    string
	version string
	// workers is how many requests the service computes at the same time; more of them queue. It models cores, so waiting
	// for a neighbour holds none.
	workers int
	// idle is the share of its cores that the service uses when it has nothing to do, 0 to 1.
	idle     float64
	routes   []route
	database *database
	consumes *subscription
}

// route is one HTTP endpoint: a net/http pattern ("GET /cart/{id}") and what is done on a request.
type route struct {
	pattern string
	steps   []step
}

// database makes a service answer queries in place of HTTP requests. What a statement costs is found by its summary.
type database struct {
	namespace  string
	statements map[string][]step
}

// subscription makes a service process the messages of a queue.
type subscription struct {
	queue string
	steps []step
}

// Names that more than one place needs.
const (
	storefront = "storefront"
	orders     = "orders"
	parcels    = "parcels"
)

// queues lists the queues in the direction in which messages travel: a consumer publishes only to a later one. Draining
// them in this order loses nothing.
func queues() []string { return []string{orders, parcels} }

// topology is the shop. Its one rule: a consumer calls no service, since queues are drained after the servers have gone.
func topology() []spec {
	return []spec{
		frontOfHouse(), catalog(), search(), recommendation(), cart(), checkout(),
		pricing(), payment(), stock(), stockDB(), shipping(), mailer(),
	}
}

func frontOfHouse() spec {
	return spec{
		name: storefront, version: "5.12.0", workers: 8, idle: 0.11,
		routes: []route{
			{"GET /home", []step{
				work{2 * time.Millisecond},
				together{call{"catalog", "GET /products"}, call{"recommendation", "GET /trending"}},
				say{slog.LevelInfo, 0.3, "rendered home page for {user} in {ms} ms"},
			}},
			{"GET /products/{id}", []step{
				work{3 * time.Millisecond},
				absent{0.001},
				together{call{"catalog", "GET /products/{id}"}, call{"recommendation", "GET /related/{id}"}},
				say{slog.LevelInfo, 0.5, "rendered product {id} with {count} offers"},
			}},
			{"GET /search", []step{
				work{2 * time.Millisecond},
				call{"catalog", "GET /search"},
				say{slog.LevelInfo, 0.5, "rendered {count} search results for {user}"},
			}},
			{"POST /cart/{id}/items", []step{
				work{2 * time.Millisecond},
				call{"cart", "POST /carts/{id}/items"},
			}},
			{"POST /checkout/{id}", []step{
				work{3 * time.Millisecond},
				call{"checkout", "POST /orders/{id}"},
				say{slog.LevelInfo, 1, "order {id} placed by {user}"},
			}},
		},
	}
}

func catalog() spec {
	return spec{
		name: "catalog", version: "2.31.4", workers: 4, idle: 0.14,
		routes: []route{
			{"GET /products", []step{
				work{6 * time.Millisecond},
				say{slog.LevelInfo, 0.3, "listed {count} products"},
			}},
			{"GET /products/{id}", []step{
				work{4 * time.Millisecond},
				say{slog.LevelDebug, 0.5, "product {id} read from cache"},
				say{slog.LevelWarn, 0.02, "product {id} missing in cache, read from snapshot in {ms} ms"},
				call{"stock", "GET /stock/{id}"},
			}},
			{"GET /search", []step{
				work{2 * time.Millisecond},
				call{"search", "GET /query"},
			}},
		},
	}
}

func search() spec {
	return spec{
		name: "search", version: "1.9.2", workers: 4, idle: 0.18,
		routes: []route{
			{"GET /query", []step{
				work{14 * time.Millisecond},
				say{slog.LevelInfo, 0.6, "query matched {count} documents in {ms} ms"},
				say{slog.LevelInfo, 0.02, "segment {id} merged, {count} documents"},
			}},
		},
	}
}

func recommendation() spec {
	return spec{
		name: "recommendation", version: "0.8.15", workers: 4, idle: 0.2,
		routes: []route{
			{"GET /trending", []step{
				work{5 * time.Millisecond},
				say{slog.LevelInfo, 0.2, "trending list of {count} products served"},
			}},
			{"GET /related/{id}", []step{
				work{9 * time.Millisecond},
				say{slog.LevelInfo, 0.3, "{count} products related to {id}"},
				say{slog.LevelWarn, 0.01, "model answered late for {id}: {ms} ms"},
			}},
		},
	}
}

func cart() spec {
	return spec{
		name: "cart", version: "4.0.7", workers: 4, idle: 0.12,
		routes: []route{
			{"GET /carts/{id}", []step{
				work{3 * time.Millisecond},
				call{"pricing", "POST /subtotals"},
				say{slog.LevelInfo, 0.4, "cart {id} read, {count} items"},
			}},
			{"POST /carts/{id}/items", []step{
				work{5 * time.Millisecond},
				call{"pricing", "POST /subtotals"},
				say{slog.LevelInfo, 1, "added {count} of {item} to cart {id}"},
			}},
		},
	}
}

func checkout() spec {
	return spec{
		name: "checkout", version: "3.2.1", workers: 4, idle: 0.1,
		routes: []route{
			{"POST /orders/{id}", []step{
				work{4 * time.Millisecond},
				call{"cart", "GET /carts/{id}"},
				call{"pricing", "POST /quotes"},
				call{"stock", "POST /reservations/{id}"},
				call{"payment", "POST /payments/{id}"},
				publish{orders},
				say{slog.LevelInfo, 1, "order {id} accepted: {count} items, {amount} EUR"},
			}},
		},
	}
}

func pricing() spec {
	return spec{
		name: "pricing", version: "2.4.0", workers: 4, idle: 0.16,
		routes: []route{
			{"POST /subtotals", []step{
				work{9 * time.Millisecond},
				say{slog.LevelInfo, 0.3, "subtotal {amount} EUR over {count} items"},
			}},
			{"POST /quotes", []step{
				work{12 * time.Millisecond},
				say{slog.LevelInfo, 1, "quote {amount} EUR computed in {ms} ms"},
				say{slog.LevelInfo, 0.1, "voucher of {user} applied, {amount} EUR off"},
			}},
		},
	}
}

func payment() spec {
	return spec{
		name: "payment", version: "6.1.3", workers: 4, idle: 0.09,
		routes: []route{
			{"POST /payments/{id}", []step{
				work{7 * time.Millisecond},
				outside{host: "bank.example", pattern: "POST /charges", median: 55 * time.Millisecond},
				say{slog.LevelInfo, 1, "charged {amount} EUR to card ending {card} for order {id}"},
			}},
		},
	}
}

func stock() spec {
	return spec{
		name: "stock", version: "1.17.0", workers: 4, idle: 0.13,
		routes: []route{
			{"GET /stock/{id}", []step{
				work{2 * time.Millisecond},
				query{"stock-db", "SELECT stock"},
			}},
			{"POST /reservations/{id}", []step{
				work{3 * time.Millisecond},
				query{"stock-db", "SELECT stock"},
				query{"stock-db", "UPDATE stock"},
				say{slog.LevelInfo, 1, "reserved {count} of {item} for order {id}"},
				say{slog.LevelWarn, 0.02, "stock of {item} low: {count} left"},
			}},
		},
	}
}

func stockDB() spec {
	return spec{
		name: "stock-db", version: "17.6", workers: 4, idle: 0.15,
		database: &database{namespace: "warehouse", statements: map[string][]step{
			"SELECT stock": {
				work{5 * time.Millisecond},
				say{slog.LevelDebug, 0.3, "index scan on stock returned {count} rows in {ms} ms"},
			},
			"UPDATE stock": {
				work{8 * time.Millisecond},
				say{slog.LevelInfo, 0.3, "transaction {id} committed in {ms} ms"},
				say{slog.LevelInfo, 0.02, "checkpoint complete: wrote {count} buffers"},
			},
		}},
	}
}

func shipping() spec {
	return spec{
		name: "shipping", version: "2.0.9", workers: 4, idle: 0.08,
		consumes: &subscription{orders, []step{
			work{30 * time.Millisecond},
			say{slog.LevelInfo, 1, "parcel for order {id} packed, {count} items"},
			publish{parcels},
		}},
	}
}

func mailer() spec {
	return spec{
		name: "mailer", version: "1.3.8", workers: 4, idle: 0.07,
		consumes: &subscription{parcels, []step{
			work{20 * time.Millisecond},
			say{slog.LevelInfo, 1, "mail about order {id} sent to {user}"},
			say{slog.LevelWarn, 0.01, "mail server greylisted {user}, sent again after {ms} ms"},
		}},
	}
}
