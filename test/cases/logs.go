package cases

import (
	"fmt"
	"slices"
	"strings"
)

// logs gives the stored log records in the order in which they were sent: the API lists the newest first, and of one time
// the one that came last.
func (r *run) logs() ([]record, error) {
	var list struct{ Logs []map[string]any }
	if _, err := r.product.read("/api/v1/logs?pageSize=1000", &list); err != nil {
		return nil, err
	}
	var out []record
	for _, fields := range slices.Backward(list.Logs) {
		out = append(out, logRecord(fields))
	}
	return out, nil
}

// logRecord reads one record of the API. Its body is the value that was sent, the text of it being for people.
func logRecord(fields map[string]any) record {
	one := record{fields: fields, attributes: plainList(fields["attributes"])}
	one.service, _ = fields["service"].(string)
	if value, is := fields["bodyValue"]; is && value != nil {
		fields["body"] = plain(value)
	}
	flags, _ := fields["qualityFlags"].([]any)
	for _, flag := range flags {
		one.flags = append(one.flags, fmt.Sprint(flag))
	}
	return one
}

// templates checks how bodies were mined, each list naming records by their index.
func templates(r *run, want any) (faults []error) {
	logs, err := r.logs()
	if err != nil {
		return []error{err}
	}
	ways := map[string]string{"not_mined_as_text": "MINING_NONE", "mined_from_map_field": "MINING_FIELD"}
	w, _ := want.(map[string]any)
	for word, list := range w {
		way, known := ways[word]
		if !known {
			faults = append(faults, unknown("templates "+word))
			continue
		}
		indexes, _ := list.([]any)
		for _, i := range indexes {
			at := number(fmt.Sprint(i))
			if at >= len(logs) {
				faults = append(faults, fmt.Errorf("%s: record %d is not stored", word, at))
				continue
			}
			got := logs[at].fields["mining"]
			faults = append(faults, some(wantThat(got == way, "%s: record %d is %v, want %s", word, at, got, way))...)
		}
	}
	return faults
}

// bytesHaveNoWords wants no template to show bytes of a body, however deep in it they are.
func (r *run) bytesHaveNoWords() error {
	logs, err := r.logs()
	if err != nil {
		return err
	}
	texts, err := r.templateTexts()
	if err != nil {
		return err
	}
	for i, l := range logs {
		for _, coded := range bytesIn(l.fields["bodyValue"]) {
			if text := texts[fmt.Sprint(l.fields["templateId"])]; coded != "" && strings.Contains(text, coded) {
				return fmt.Errorf("record %d: template %q has %s", i, text, coded)
			}
		}
	}
	return nil
}

// templateTexts gives the text of each template by its id.
func (r *run) templateTexts() (map[string]string, error) {
	var list struct {
		Templates []struct{ ID, Template string }
	}
	if _, err := r.product.read("/api/v1/log-templates?pageSize=1000", &list); err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for _, t := range list.Templates {
		texts[t.ID] = t.Template
	}
	return texts, nil
}

// bytesIn gives all bytes in an AnyValue, in base64.
func bytesIn(value any) (out []string) {
	switch v := value.(type) {
	case map[string]any:
		if coded, is := v["bytesValue"].(string); is {
			return []string{coded}
		}
		for _, inner := range v {
			out = append(out, bytesIn(inner)...)
		}
	case []any:
		for _, inner := range v {
			out = append(out, bytesIn(inner)...)
		}
	}
	return out
}
