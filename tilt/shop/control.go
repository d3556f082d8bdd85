package shop

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// faultView is a fault in the control API's JSON.
type faultView struct {
	Kind        Kind       `json:"kind"`
	Target      string     `json:"target"` // the one it has, or would have by default
	Active      bool       `json:"active"`
	Since       *time.Time `json:"since,omitempty"`
	Description string     `json:"description"`
}

// control is the HTTP API through which faults are switched.
type control struct {
	faults *switchboard
	log    *slog.Logger
}

func (c *control) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.help)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /faults", c.list)
	mux.HandleFunc("PUT /faults/{kind}", c.switchOn)
	mux.HandleFunc("DELETE /faults/{kind}", c.switchOff)
	return mux
}

func (c *control) help(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	fmt.Fprintf(&b, "The demo shop. Its faults are switched here:\n\n"+
		"  curl http://%[1]s/faults\n"+
		"  curl -X PUT http://%[1]s/faults/slow-leaf?target=stock-db\n"+
		"  curl -X DELETE http://%[1]s/faults/slow-leaf\n\n", r.Host)
	for _, f := range Faults() {
		fmt.Fprintf(&b, "%s: %s.\n    target %s by default, or one of %s\n", f.Kind, f.Description, f.Target, strings.Join(f.Targets, ", "))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, b.String())
}

func (c *control) list(w http.ResponseWriter, _ *http.Request) {
	views := []faultView{}
	for _, f := range Faults() {
		views = append(views, c.view(f))
	}
	reply(w, http.StatusOK, views)
}

func (c *control) view(f Fault) faultView {
	v := faultView{Kind: f.Kind, Target: f.Target, Description: f.Description}
	if o, on, _ := c.faults.get(f.Kind); on {
		v.Active, v.Target, v.Since = true, o.target, &o.since
	}
	return v
}

func (c *control) switchOn(w http.ResponseWriter, r *http.Request) {
	kind := Kind(r.PathValue("kind"))
	target, err := resolve(kind, r.URL.Query().Get("target"))
	if err != nil {
		refuse(w, err)
		return
	}
	c.faults.set(kind, target, time.Now())
	c.log.Info("fault switched on", "fault", kind, "target", target)
	c.show(w, kind)
}

func (c *control) switchOff(w http.ResponseWriter, r *http.Request) {
	kind := Kind(r.PathValue("kind"))
	if _, err := resolve(kind, ""); err != nil {
		refuse(w, err)
		return
	}
	c.faults.clear(kind)
	c.log.Info("fault switched off", "fault", kind)
	c.show(w, kind)
}

func (c *control) show(w http.ResponseWriter, kind Kind) {
	for _, f := range Faults() {
		if f.Kind == kind {
			reply(w, http.StatusOK, c.view(f))
		}
	}
}

func refuse(w http.ResponseWriter, err error) {
	reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(body) // the client has gone
}
