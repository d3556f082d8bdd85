module github.com/triflow/triflow/test

go 1.26.0
