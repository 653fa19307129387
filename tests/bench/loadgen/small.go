package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// Small uploads come from one thread that waits for all connections at once: a request is one
// write and its answer one read, so that the cores are the server's. The last answer of an upload has
// to say that all bytes are there.

// client is a connection with an upload on its way.
type client struct {
	fd       int
	received []byte
	patching bool
}

// small: uploads of size bytes over keep-alive connections, in one request each or in two, until
// there are n or the time is over.
func small(o *outcome, whole bool) time.Duration {
	body := bytes.Repeat([]byte("x"), int(*size))
	post := createHead(*size, 0)
	if whole {
		post = append(createHead(*size, len(body)), body...)
	}
	afterLocation := append([]byte(patchTail(0, *size)), body...)
	complete := []byte(strconv.FormatInt(*size, 10))
	patch := make([]byte, 0, len(afterLocation)+1024)

	epoll, err := syscall.EpollCreate1(0)
	if err != nil {
		o.fail(err)
		return 0
	}
	clients := map[int32]*client{}
	left, until := *n, time.Now().Add(*hold)
	begun := time.Now()
	// start sends the next upload of a client, or closes its connection if there is none.
	start := func(c *client) error {
		if left <= 0 || time.Now().After(until) {
			delete(clients, int32(c.fd))
			return syscall.Close(c.fd)
		}
		left--
		c.patching = false
		return writeAll(c.fd, post)
	}
	open := func() error {
		c, err := connect(epoll)
		if err == nil {
			clients[int32(c.fd)] = c
			err = start(c)
		}
		return err
	}
	// proceed does what follows an answer.
	proceed := func(c *client, a *answer) error {
		want := 201
		if c.patching {
			want = 204
		}
		if a.status != want && a.status/100 != 2 {
			return fmt.Errorf("status %d instead of %d", a.status, want)
		}
		if !c.patching && !whole {
			location := append([]byte(nil), a.location...)
			if a.closes {
				if err := reconnect(epoll, c, clients); err != nil {
					return err
				}
			}
			c.patching = true
			patch = append(append(append(patch[:0], "PATCH "...), location...), afterLocation...)
			return writeAll(c.fd, patch)
		}
		if !bytes.Equal(a.offset, complete) {
			return fmt.Errorf("offset %q of %s bytes", a.offset, complete)
		}
		o.done++
		if a.closes {
			if err := reconnect(epoll, c, clients); err != nil {
				return err
			}
		}
		return start(c)
	}
	for opened := 0; opened < min(*conc, *n); opened++ {
		if err := open(); err != nil {
			o.fail(err)
			break
		}
	}
	events := make([]syscall.EpollEvent, 256)
	for len(clients) > 0 {
		count, err := syscall.EpollWait(epoll, events, -1)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			o.fail(err)
			break
		}
		for _, event := range events[:count] {
			c := clients[event.Fd]
			a, err := c.receive()
			if err == nil && a != nil {
				err = proceed(c, a)
			}
			if err != nil {
				o.fail(err)
				delete(clients, event.Fd)
				syscall.Close(c.fd)
			}
		}
	}
	return time.Since(begun)
}

// connect opens a blocking connection that epoll reports once it has bytes to read.
func connect(epoll int) (*client, error) {
	to, err := netip.ParseAddrPort(*addr)
	if err != nil {
		return nil, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	if err == nil {
		err = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	}
	if err == nil {
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
		err = syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &event)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return &client{fd: fd, received: make([]byte, 0, 8192)}, nil
}

// reconnect gives the client a new connection.
func reconnect(epoll int, c *client, clients map[int32]*client) error {
	fresh, err := connect(epoll)
	if err != nil {
		return err
	}
	delete(clients, int32(c.fd))
	syscall.Close(c.fd)
	c.fd, c.received = fresh.fd, fresh.received
	clients[int32(c.fd)] = c
	return nil
}

func writeAll(fd int, data []byte) error {
	for len(data) > 0 {
		count, err := syscall.Write(fd, data)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		data = data[count:]
	}
	return nil
}

// receive reads what has arrived; it returns nil until a final answer is complete.
func (c *client) receive() (*answer, error) {
	if len(c.received) == cap(c.received) {
		return nil, fmt.Errorf("an answer of more than %d bytes", len(c.received))
	}
	count, err := syscall.Read(c.fd, c.received[len(c.received):cap(c.received)])
	if err == syscall.EINTR {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, fmt.Errorf("the server closed the connection")
	}
	c.received = c.received[:len(c.received)+count]
	for {
		a, length, err := parse(c.received)
		if a == nil || err != nil {
			return nil, err
		}
		if a.status >= 200 {
			if length != len(c.received) {
				return nil, fmt.Errorf("%d bytes after an answer", len(c.received)-length)
			}
			// What the answer refers to stays readable until the next receive.
			c.received = c.received[:0]
			return a, nil
		}
		c.received = c.received[:copy(c.received, c.received[length:])]
	}
}

// answer is what small uploads need to know of one.
type answer struct {
	status   int
	location []byte // its path
	offset   []byte
	closes   bool
}

var (
	endOfHead     = []byte("\r\n\r\n")
	endOfChunks   = []byte("0\r\n\r\n")
	contentLength = []byte("content-length")
	location      = []byte("location")
	connection    = []byte("connection")
	uploadOffset  = []byte("upload-offset")
	transfer      = []byte("transfer-encoding")
)

// parse returns the answer at the beginning of data and its length, or nil if it is incomplete.
func parse(data []byte) (*answer, int, error) {
	end := bytes.Index(data, endOfHead)
	if end < 0 {
		return nil, 0, nil
	}
	if !bytes.HasPrefix(data, []byte("HTTP/1.1 ")) || end < 12 {
		return nil, 0, fmt.Errorf("no answer: %q", data[:min(len(data), 40)])
	}
	status, err := strconv.Atoi(string(data[9:12]))
	if err != nil {
		return nil, 0, err
	}
	a, length, chunked := &answer{status: status}, end+4, false
	for _, line := range bytes.Split(data[:end], []byte("\r\n"))[1:] {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, contentLength) && status != 204:
			body, err := strconv.Atoi(string(value))
			if err != nil {
				return nil, 0, err
			}
			length += body
		case bytes.EqualFold(name, location):
			a.location = pathOf(value)
		case bytes.EqualFold(name, uploadOffset):
			a.offset = value
		case bytes.EqualFold(name, connection):
			a.closes = bytes.EqualFold(value, []byte("close"))
		case bytes.EqualFold(name, transfer):
			chunked = status != 204
		}
	}
	if chunked {
		last := bytes.Index(data[end+2:], endOfChunks)
		if last < 0 {
			return nil, 0, nil
		}
		length = end + 2 + last + len(endOfChunks)
	}
	if length > len(data) {
		return nil, 0, nil
	}
	return a, length, nil
}

// pathOf returns the path of a location, which may be a whole URL.
func pathOf(location []byte) []byte {
	if _, rest, whole := bytes.Cut(location, []byte("://")); whole {
		return rest[max(bytes.IndexByte(rest, '/'), 0):]
	}
	return location
}
