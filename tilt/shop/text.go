package shop

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// fill replaces the placeholders of a log text with values, as most applications print them, and returns the same values
// as attributes, as the better ones also do:
//
//	{id} the job   {item} a product   {user} a customer   {card} four digits   {count} 1 to 9   {ms} and {amount} numbers
func fill(text string, j job, d *dice) (string, []slog.Attr) {
	var b strings.Builder
	var attrs []slog.Attr
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String(), attrs
		}
		name, after, _ := strings.Cut(rest, "}")
		value := valueOf(name, j, d)
		b.WriteString(value)
		attrs = append(attrs, slog.String("shop."+name, value))
		text = after
	}
}

func valueOf(name string, j job, d *dice) string {
	switch name {
	case "id":
		return j.id
	case "item":
		return newItem(d)
	case "user":
		return fmt.Sprintf("user-%05d", d.below(100_000))
	case "card":
		return fmt.Sprintf("%04d", d.below(10_000))
	case "count":
		return strconv.Itoa(1 + d.below(9))
	case "ms":
		return strconv.Itoa(1 + d.below(40))
	case "amount":
		return fmt.Sprintf("%d.%02d", 5+d.below(400), d.below(100))
	default:
		return "{" + name + "}"
	}
}

func newItem(d *dice) string  { return fmt.Sprintf("sku-%04d", d.below(2_000)) }
func newOrder(d *dice) string { return fmt.Sprintf("%08x", d.below(1<<32)) }
