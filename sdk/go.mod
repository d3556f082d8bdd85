module github.com/triflow/triflow/sdk

go 1.26.0
