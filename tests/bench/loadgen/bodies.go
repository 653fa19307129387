package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// began makes an upload each for n connections, before the clock runs.
func began(o *outcome) ([]*conn, []string) {
	conns, locations := make([]*conn, *n), make([]string, *n)
	for i := range conns {
		c, err := dial()
		if err == nil {
			conns[i] = c
			locations[i], err = c.create(*size)
		}
		if err != nil {
			o.fail(err)
			return nil, nil
		}
	}
	return conns, locations
}

// streams runs one body per connection, all at once.
func streams(o *outcome, send func(c *conn, location string) error) time.Duration {
	conns, locations := began(o)
	var group sync.WaitGroup
	begun := time.Now()
	for i := range conns {
		group.Add(1)
		go func(c *conn, location string) {
			defer group.Done()
			if err := send(c, location); err != nil {
				o.fail(err)
				return
			}
			atomic.AddInt64(&o.done, 1)
			o.ended(time.Since(begun))
		}(conns[i], locations[i])
	}
	group.Wait()
	return time.Since(begun)
}

// sendBody sends bytes from..to of the source as the body of a PATCH.
func sendBody(c *conn, location string, from, to int64) error {
	file, err := os.Open(*source)
	if err != nil {
		return err
	}
	defer file.Close()
	c.Write(patchHead(location, from, *size-from))
	for at := from; at < to; {
		// The source may be shorter than the upload: it is sent again and again.
		info, err := file.Stat()
		if err != nil {
			return err
		}
		start := at % info.Size()
		file.Seek(start, io.SeekStart)
		count, err := c.ReadFrom(io.LimitReader(file, min(to-at, info.Size()-start))) // sendfile
		if err != nil {
			return err
		}
		at += count
	}
	return nil
}

// big: each body as fast as it goes; the wait is from its last byte to its answer.
func big(o *outcome) time.Duration {
	return streams(o, func(c *conn, location string) error {
		if err := sendBody(c, location, 0, *size); err != nil {
			return err
		}
		sent := time.Now()
		_, err := c.answer("PATCH", 204)
		o.waited(time.Since(sent))
		return err
	})
}

// paced: 64 KiB every millisecond.
func paced(o *outcome) time.Duration {
	piece := make([]byte, 64<<10)
	return streams(o, func(c *conn, location string) error {
		c.Write(patchHead(location, 0, *size))
		begun := time.Now()
		for sent := int64(0); sent < *size; {
			count := min(int64(len(piece)), *size-sent)
			if _, err := c.Write(piece[:count]); err != nil {
				return err
			}
			sent += count
			due := begun.Add(time.Duration(sent>>16) * time.Millisecond)
			time.Sleep(time.Until(due))
		}
		_, err := c.answer("PATCH", 204)
		return err
	})
}

// slow: 4 KiB every 200 ms, until the time is over; then all leave.
func slow(o *outcome) time.Duration {
	piece := make([]byte, 4<<10)
	until := time.Now().Add(*hold)
	return streams(o, func(c *conn, location string) error {
		c.Write(patchHead(location, 0, *size))
		for time.Now().Before(until) {
			if _, err := c.Write(piece); err != nil {
				return err
			}
			time.Sleep(200 * time.Millisecond)
		}
		return c.Close()
	})
}

// reached waits until the server has at least n bytes of the upload.
func reached(location string, least int64, patience time.Duration) (int64, error) {
	for until := time.Now().Add(patience); ; {
		at, _, err := offset(location, patience)
		if err == nil && at >= least {
			return at, nil
		}
		if time.Now().After(until) {
			return at, fmt.Errorf("offset %d after %s: %v", at, patience, err)
		}
	}
}
