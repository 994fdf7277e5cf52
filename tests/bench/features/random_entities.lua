-- wrk: POST /get-online-features for BENCH_BATCH of BENCH_ENTITIES entities at random, 20 features of bench_online.
-- Requests are made beforehand, so that wrk costs little.
local requests = {}

function init()
    local batch, entities = tonumber(os.getenv("BENCH_BATCH")), tonumber(os.getenv("BENCH_ENTITIES"))
    local features = {}
    for i = 0, 19 do
        features[i + 1] = string.format('"bench_online:f%02d"', i)
    end
    local head = '{"features": [' .. table.concat(features, ", ") .. '], "entities": {"driver": ['
    math.randomseed(tonumber(os.getenv("BENCH_SEED")))
    for number = 1, math.max(500, math.floor(entities / batch)) do
        local names = {}
        for i = 1, batch do
            names[i] = string.format('"driver-%05d"', math.random(0, entities - 1))
        end
        requests[number] = wrk.format("POST", "/get-online-features", {["Content-Type"] = "application/json"},
                                      head .. table.concat(names, ", ") .. "]}}")
    end
end

function request()
    return requests[math.random(#requests)]
end
