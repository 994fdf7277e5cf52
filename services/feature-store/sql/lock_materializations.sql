-- Requests come one after another: two at once would not see that the other asks for the same view.
LOCK TABLE features.materialization IN SHARE ROW EXCLUSIVE MODE
