package main

import (
	"fmt"
	"time"
)

const (
	patience = 15 * time.Second
	silentAt = 300_000
)

// resume: half of the body, the connection cut, and the rest from where the server is. The wait is
// from the cut to the offset that the rest can be sent from.
func resume(o *outcome) time.Duration {
	begun := time.Now()
	for i := 0; i < *n; i++ {
		if err := resumeOne(o); err != nil {
			o.fail(err)
			continue
		}
		o.done++
	}
	return time.Since(begun)
}

func resumeOne(o *outcome) error {
	c, err := dial()
	if err != nil {
		return err
	}
	location, err := c.create(*size)
	if err != nil {
		return err
	}
	if err := sendBody(c, location, 0, *size/2); err != nil {
		return err
	}
	c.Close()
	cut := time.Now()
	at, err := reached(location, 1, patience)
	if err != nil {
		return err
	}
	o.waited(time.Since(cut))
	if c, err = dial(); err != nil {
		return err
	}
	defer c.Close()
	if err := sendBody(c, location, at, *size); err != nil {
		return err
	}
	_, err = c.answer("PATCH", 204)
	return err
}

// takeOver: a PATCH falls silent, its connection open; the wait is until a HEAD on another
// connection tells an offset. A server that answers nothing, or with an error, has failed.
func takeOver(o *outcome) time.Duration {
	begun := time.Now()
	for i := 0; i < *n; i++ {
		if err := takeOverOne(o); err != nil {
			o.fail(err)
			continue
		}
		o.done++
	}
	return time.Since(begun)
}

func takeOverOne(o *outcome) error {
	silent, err := dial()
	if err != nil {
		return err
	}
	defer silent.Close()
	location, err := silent.create(1 << 20)
	if err != nil {
		return err
	}
	*size = 1 << 20
	silent.Write(patchHead(location, 0, *size))
	silent.Write(make([]byte, silentAt))
	// The bytes are on their way; a server needs a moment to have them, whatever it then does.
	time.Sleep(300 * time.Millisecond)
	at, took, err := offset(location, patience)
	if err != nil {
		return fmt.Errorf("after %s: %w", took, err)
	}
	o.waited(took)
	if at != silentAt {
		return fmt.Errorf("offset %d of %d bytes that had arrived", at, silentAt)
	}
	return nil
}
