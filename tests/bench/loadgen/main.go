// loadgen: one tus client for all servers, made to cost little; prints what it saw as JSON.
//
// Bodies leave with sendfile(2) from a file in memory. Every status is checked.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	addr   = flag.String("addr", "127.0.0.1:8000", "server")
	path   = flag.String("path", "/files/", "path of the endpoint")
	mode   = flag.String("mode", "big", "big | paced | small | cwu | resume | takeover | slow")
	n      = flag.Int("n", 1, "streams (big, paced, slow), most uploads (small, cwu), rounds (resume, takeover)")
	conc   = flag.Int("c", 64, "connections (small, cwu)")
	size   = flag.Int64("size", 1<<30, "bytes per upload")
	source = flag.String("source", "", "file in memory that bodies are sent from")
	hold   = flag.Duration("hold", 10*time.Second, "how long slow streams and small uploads go on")
)

// outcome gathers what the parallel parts of a run report.
type outcome struct {
	mutex  sync.Mutex
	errors int64
	first  string
	done   int64
	waits  []float64 // milliseconds
	ends   []float64 // seconds: when each stream was through
}

func (o *outcome) fail(err error) {
	atomic.AddInt64(&o.errors, 1)
	o.mutex.Lock()
	if o.first == "" {
		o.first = err.Error()
	}
	o.mutex.Unlock()
}

func (o *outcome) waited(d time.Duration) {
	o.mutex.Lock()
	o.waits = append(o.waits, float64(d.Microseconds())/1000)
	o.mutex.Unlock()
}

func (o *outcome) ended(d time.Duration) {
	o.mutex.Lock()
	o.ends = append(o.ends, d.Seconds())
	o.mutex.Unlock()
}

func main() {
	flag.Parse()
	modes := map[string]func(*outcome) time.Duration{
		"big":      big,
		"paced":    paced,
		"small":    func(o *outcome) time.Duration { return small(o, false) },
		"cwu":      func(o *outcome) time.Duration { return small(o, true) },
		"resume":   resume,
		"takeover": takeOver,
		"slow":     slow,
	}
	run, known := modes[*mode]
	if !known {
		fmt.Fprintln(os.Stderr, "no such mode:", *mode)
		os.Exit(2)
	}
	o := &outcome{}
	took := run(o)
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seconds":            took.Seconds(),
		"done":               o.done,
		"errors":             o.errors,
		"first_error":        o.first,
		"waits_ms":           o.waits,
		"ends_seconds":       o.ends,
		"client_cpu_seconds": float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9,
	})
	if o.errors > 0 {
		os.Exit(1)
	}
}
