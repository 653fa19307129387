"""Programs in machine code and in codes for virtual machines."""

from typing import Final

from file_types.sample import sample

_GO: Final = "printf 'package main\\nfunc main(){}\\n' > a.go && "

SAMPLES: Final = (
    sample("ELF program", "elf bin out run", "application/x-executable application/x-elf application/x-pie-executable", "gcc", "gcc -s -o $O $B/hello.c"),
    sample("ELF object", "o", "application/x-object", "gcc", "gcc -c -o out.o $B/hello.c && mv out.o $O"),
    sample("ELF library", "so", "application/x-sharedlib", "gcc", "gcc -s -shared -fPIC -o $O $B/hello.c"),
    sample("Windows program", "exe scr", "application/vnd.microsoft.portable-executable application/x-msdownload application/x-dosexec", "distlib", "cp $B/program.exe $O"),
    sample("Windows program of Go", "exe", "application/x-msdownload", "go", f"{_GO}GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o out.exe a.go && mv out.exe $O"),
    sample("Mach-O program", "macho bin", "application/x-mach-binary", "go", f"{_GO}GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o out a.go && mv out $O"),
    sample("DOS program", "com", "application/x-dosexec application/octet-stream", "specification", lambda: b"\xb4\x09\xba\x09\x01\xcd\x21\xcd\x20text$", source="MS-DOS: a program without a header"),
    sample("Java class", "class", "application/java-vm application/x-java", "javac", "cp $B/Hello.class $O"),
    sample("WebAssembly", "wasm", "application/wasm", "wat2wasm", "echo '(module (func))' > a.wat && wat2wasm a.wat -o $O"),
    sample("Python bytecode", "pyc", "application/x-python-code application/x-python-bytecode", "Python", "echo 'x=1' > a.py && $PY -c \"import sys,py_compile; py_compile.compile('a.py',cfile='a.pyc')\" && mv a.pyc $O"),
    sample("Dalvik", "dex", "application/vnd.android.dex application/octet-stream", "specification", lambda: b"dex\n035\0" + bytes(24) + b"\x70\0\0\0\x70\0\0\0\x78\x56\x34\x12" + bytes(68), source="https://source.android.com/docs/core/runtime/dex-format"),
    sample("LLVM bitcode", "bc", "application/octet-stream", "specification", lambda: b"BC\xc0\xde\x35\x14\0\0\x05\0\0\0\x62\x0c\x30\x24" + bytes(48), source="https://llvm.org/docs/BitCodeFormat.html"),
    sample("shell script", "sh bash txt", "application/x-sh text/x-shellscript", "written", lambda: b"#!/bin/sh\nset -e\necho text\n"),
    sample("Python source", "py txt", "text/x-python application/x-python-code", "written", lambda: b"#!/usr/bin/env python3\nimport os\n\n\ndef main():\n    print(os.name)\n"),
    sample("batch file", "bat cmd txt", "application/x-bat application/x-msdos-program", "written", lambda: b"@echo off\r\nset A=1\r\necho %A%\r\n"),
    sample("PowerShell", "ps1 txt", "text/plain application/x-powershell", "written", lambda: b"param([string]$Name)\r\nGet-ChildItem | Where-Object { $_.Name -eq $Name }\r\n"),
    sample("PHP", "php txt", "application/x-httpd-php text/x-php", "written", lambda: b"<?php\necho 'text';\n"),
)  # fmt: skip
