module tusd-py/loadgen

go 1.21
