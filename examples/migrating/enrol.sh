# Creates the customers of data/migration and imports their keys. May be run again.
# Keys go by files: arguments are in every process list. grep keeps `issue` from showing them.

while read -r id name; do
  npx countersign customers show "$id" >/dev/null 2>&1 </dev/null ||
    npx countersign customers create --customer-id "$id" --name="$name" </dev/null
done <data/migration/customers.txt

for key in data/migration/keys/*/*.key; do
  id=$(basename "$(dirname "$key")")
  test -s "$key.id" || npx countersign customer-keys issue --customer "$id" --import "$key" </dev/null | grep '^key ' | tee "$key.id"
done
