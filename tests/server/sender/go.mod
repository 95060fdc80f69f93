module vmconfig.test/sender

go 1.21
