-- wrk: asks for one of RUSHCAST_BENCH_GEOS geos at random. Requests are made beforehand, so that wrk costs little.
local requests = {}
local threads = 0

function setup(thread)
    thread:set("seed", 1000 + threads)
    threads = threads + 1
end

function init()
    math.randomseed(seed)
    for number = 0, tonumber(os.getenv("RUSHCAST_BENCH_GEOS")) - 1 do
        requests[number + 1] = wrk.format("GET", string.format("/forecast?geo=87%07dffffff&hours=168", number))
    end
end

function request()
    return requests[math.random(#requests)]
end
