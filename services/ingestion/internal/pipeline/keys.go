package pipeline

import "strings"

// keys is a set of keys of attributes, some of them as globs.
type keys struct {
	exact map[string]struct{}
	globs []glob
}

func newKeys(from []string, f *faults) keys {
	k := keys{exact: map[string]struct{}{}}
	if !f.count(len(from), maxEntries) {
		return k
	}
	for i, key := range from {
		switch {
		case key == "" || len(key) > maxKey:
			f.at("[%d]", i).add("%d bytes, want 1 to %d", len(key), maxKey)
		case strings.ContainsAny(key, "*?"):
			k.globs = append(k.globs, newGlob(key))
		default:
			k.exact[key] = struct{}{}
		}
	}
	return k
}

// covers tells whether a key is in the set.
func (k *keys) covers(key []byte) bool {
	if _, ok := k.exact[string(key)]; ok {
		return true
	}
	for i := range k.globs {
		if k.globs[i].match(key) {
			return true
		}
	}
	return false
}
