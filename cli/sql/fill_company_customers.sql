-- Customers C000000 .. ; $1 how many, $2 when the first signed up, $3 names of the cities separated by "|".
-- Uses the primary key of customer.
INSERT INTO customer (customer_id, full_name, email, city, created_at, updated_at)
SELECT format('C%s', lpad(n::text, 6, '0')),
       (ARRAY['Ana', 'Bruno', 'Carla', 'Diego', 'Elena', 'Felipe', 'Gabriela', 'Hugo'])[1 + n % 8] || ' '
           || (ARRAY['Acosta', 'Bravo', 'Castro', 'Duarte', 'Espinoza', 'Fuentes', 'Gómez'])[1 + n / 8 % 7],
       format('customer%s@example.com', n),
       (string_to_array($3, '|'))[1 + n % array_length(string_to_array($3, '|'), 1)],
       $2 + n * interval '1 minute',
       $2 + n * interval '1 minute'
FROM generate_series(0, $1 - 1) AS n
ON CONFLICT (customer_id) DO NOTHING
