-- Returns how many rows said something of the customer. $1 customer. Indexes: none, the tables are looked through.
SELECT personal.erase_things($1)
