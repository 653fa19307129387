package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const metadata = "filename aGVsbG8udHh0,filetype dGV4dC9wbGFpbg=="

// conn is one connection of one client.
type conn struct {
	*net.TCPConn
	r *bufio.Reader
}

func dial() (*conn, error) {
	c, err := net.Dial("tcp", *addr)
	if err != nil {
		return nil, err
	}
	return &conn{c.(*net.TCPConn), bufio.NewReaderSize(c, 4096)}, nil
}

// answer reads the next final answer and fails unless it has the wanted status.
func (c *conn) answer(method string, want int) (*http.Response, error) {
	for {
		r, err := http.ReadResponse(c.r, &http.Request{Method: method})
		if err != nil {
			return nil, err
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if r.StatusCode < 200 {
			continue
		}
		// Some servers answer a creation or a HEAD with 200 or 204.
		if r.StatusCode != want && r.StatusCode/100 != want/100 {
			return r, fmt.Errorf("%s: status %d", method, r.StatusCode)
		}
		return r, nil
	}
}

// create makes an upload and returns its path.
func (c *conn) create(length int64) (string, error) {
	if _, err := c.Write(createHead(length, 0)); err != nil {
		return "", err
	}
	r, err := c.answer("POST", 201)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(r.Header.Get("Location"))
	if err != nil {
		return "", err
	}
	return u.RequestURI(), c.next(r)
}

// createHead is a creation that announces length bytes, of which it brings the first ones.
func createHead(length int64, brings int) []byte {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nTus-Resumable: 1.0.0\r\nUpload-Length: %d\r\nUpload-Metadata: %s\r\nContent-Length: %d\r\n", *path, *addr, length, metadata, brings)
	if brings > 0 {
		head += "Content-Type: application/offset+octet-stream\r\n"
	}
	return []byte(head + "\r\n")
}

// next makes the connection ready for another request.
func (c *conn) next(r *http.Response) error {
	if !r.Close {
		return nil
	}
	c.Close()
	fresh, err := dial()
	if err == nil {
		*c = *fresh
	}
	return err
}

func patchHead(location string, offset, length int64) []byte {
	return []byte("PATCH " + location + patchTail(offset, length))
}

// patchTail is what follows the path in the head of a PATCH.
func patchTail(offset, length int64) string {
	return fmt.Sprintf(" HTTP/1.1\r\nHost: %s\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: %d\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: %d\r\n\r\n", *addr, offset, length)
}

// offset asks for the offset on a connection of its own; how long the answer took.
func offset(location string, patience time.Duration) (int64, time.Duration, error) {
	c, err := dial()
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	begun := time.Now()
	c.SetDeadline(begun.Add(patience))
	fmt.Fprintf(c, "HEAD %s HTTP/1.1\r\nHost: %s\r\nTus-Resumable: 1.0.0\r\n\r\n", location, *addr)
	r, err := c.answer("HEAD", 200)
	took := time.Since(begun)
	if err != nil {
		return 0, took, err
	}
	reached, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	return reached, took, err
}
