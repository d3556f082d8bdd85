package ring

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// The same work through the ring and through a buffered channel: producers that try until they succeed, one consumer that
// takes what is there. An operation is a value that went all the way; "refused" are the attempts that found the queue full.
func BenchmarkOffer(b *testing.B) {
	const capacity = 2048
	for _, producers := range []int{1, 4, 64} {
		b.Run(fmt.Sprintf("ring/%d", producers), func(b *testing.B) {
			r := New[*int](capacity)
			dst := make([]*int, 512)
			run(b, producers, r.Offer, func() int { return r.TakeBatch(dst) })
		})
		b.Run(fmt.Sprintf("channel/%d", producers), func(b *testing.B) {
			c := make(chan *int, capacity)
			run(b, producers, func(v *int) bool {
				select {
				case c <- v:
					return true
				default:
					return false
				}
			}, func() (n int) {
				for ; n < 512; n++ {
					select {
					case <-c:
					default:
						return n
					}
				}
				return n
			})
		})
	}
}

func run(b *testing.B, producers int, offer func(*int) bool, take func() int) {
	b.ReportAllocs()
	var offering, taking sync.WaitGroup
	stop := make(chan struct{})
	var refused atomic.Int64
	taking.Go(func() {
		for {
			n := take()
			if n > 0 {
				continue
			}
			select {
			case <-stop:
				return
			default:
				runtime.Gosched()
			}
		}
	})
	b.ResetTimer()
	for range producers {
		offering.Go(func() {
			v := new(int)
			for n := 0; n < b.N/producers; n++ {
				for !offer(v) {
					refused.Add(1)
					runtime.Gosched()
				}
			}
		})
	}
	offering.Wait()
	close(stop)
	taking.Wait()
	b.ReportMetric(float64(refused.Load())/float64(b.N), "refused/op")
}
