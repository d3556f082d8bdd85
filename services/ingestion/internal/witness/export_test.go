package witness

// Remembers tells whether something is remembered that a collector says of a batch.
func (w *Witness) Remembers(collector string, b Batch) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.of(collector, b)) > 0
}
