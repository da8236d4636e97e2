// Logs a device in over gRPC and checks its token: main HOST:PORT DEVICE_KEY, the customer_key on standard input.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jwt"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	authv1 "example.com/device/gen/countersign/auth/v1"
)

func main() {
	target, deviceKey := os.Args[1], os.Args[2]
	input, _ := io.ReadAll(os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	// For a gateway on another machine: credentials.NewTLS in place of insecure.
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	fail(err)
	now := time.Now().Unix()
	mac := hmac.New(sha256.New, []byte(strings.TrimSpace(string(input))))
	fmt.Fprintf(mac, "%d%s", now, deviceKey)
	login := &authv1.LoginRequest{DeviceKey: deviceKey, Timestamp: &now, DeviceSignature: hex.EncodeToString(mac.Sum(nil))}
	answer, err := authv1.NewAuthServiceClient(conn).Login(ctx, login)
	fail(err)

	keys, err := jwk.Fetch(ctx, "http://"+target+"/.well-known/jwks.json")
	fail(err)
	token, err := jwt.Parse([]byte(answer.Token), jwt.WithKeySet(keys), jwt.WithIssuer("https://login.example"), jwt.WithAudience("devices"))
	fail(err)
	fmt.Println(token.Subject())
}

// fail prints the reason of an error, and the wait when there is one.
func fail(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			fmt.Println(detail.Reason)
		case *errdetails.RetryInfo:
			fmt.Println("retry in", detail.RetryDelay.AsDuration())
		}
	}
	os.Exit(1)
}
