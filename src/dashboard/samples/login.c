/* ESP-IDF: Mbed TLS for the signature, esp_http_client for the request. Set the clock by SNTP first. */
#include <esp_http_client.h>
#include <mbedtls/md.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *url = @GATEWAY@ "/auth/login";
static const char *device_key = @DEVICE_KEY@;
static const char *customer_key = @CUSTOMER_KEY@;

void app_main(void) {
  char message[128], signature[65], body[320], answer[900];
  unsigned char mac[32];
  long timestamp = (long)time(NULL);
  int length = snprintf(message, sizeof message, "%ld%s", timestamp, device_key);
  mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)customer_key,
                  strlen(customer_key), (const unsigned char *)message, length, mac);
  for (int i = 0; i < 32; i++) sprintf(signature + 2 * i, "%02x", mac[i]);
  length = snprintf(body, sizeof body, "{\"device_key\":\"%s\",\"timestamp\":%ld,\"device_signature\":\"%s\"}",
                    device_key, timestamp, signature);

  esp_http_client_config_t config = {.url = url, .method = HTTP_METHOD_POST};
  esp_http_client_handle_t client = esp_http_client_init(&config);
  esp_http_client_set_header(client, "Content-Type", "application/json");
  if (esp_http_client_open(client, length) == ESP_OK && esp_http_client_write(client, body, length) == length) {
    esp_http_client_fetch_headers(client);
    int size = esp_http_client_read_response(client, answer, sizeof answer - 1);
    if (size > 0) printf("%.*s\n", size, answer); /* the token, or the name of the mistake */
  }
  esp_http_client_cleanup(client);
}
