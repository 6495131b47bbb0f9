"""One reader, one question: the cost of every tenant and service, as plain doubles. Prints the sum as the reader has it."""

import sys

module, what, path, layout = sys.argv[1:5]
THREADS = 2


def duck():
    import duckdb

    if what == "import":
        return
    connection = duckdb.connect()
    connection.execute(f"set threads = {THREADS}")
    tenant = "resource_tags['user_tenant']" if layout == "cur2" else "resource_tags_user_tenant"
    rows = connection.execute(
        f"""select {tenant} as tenant, line_item_product_code as service,
                   sum(line_item_unblended_cost), sum(line_item_usage_amount), count(*)
            from read_parquet('{path}') group by all"""
    ).fetchall()
    print("sum", repr(sum(row[2] for row in rows)), "in", len(rows), "groups")


def polars():
    import polars

    if what == "import":
        return
    frame = polars.scan_parquet(path)
    if layout == "cur2":
        tags = polars.col("resource_tags")
        tenant = tags.list.eval(
            polars.element().filter(polars.element().struct.field("key") == "user_tenant").struct.field("value")
        ).list.first()
    else:
        tenant = polars.col("resource_tags_user_tenant")
    answer = (
        frame.select(
            tenant.alias("tenant"), "line_item_product_code", "line_item_unblended_cost", "line_item_usage_amount"
        )
        .group_by("tenant", "line_item_product_code")
        .agg(polars.col("line_item_unblended_cost").sum(), polars.col("line_item_usage_amount").sum(), polars.len())
        .collect()
    )
    print("sum", repr(answer["line_item_unblended_cost"].sum()), "in", len(answer), "groups")


def pandas():
    import pandas

    if what == "import":
        return
    tags = "resource_tags" if layout == "cur2" else "resource_tags_user_tenant"
    frame = pandas.read_parquet(
        path, columns=[tags, "line_item_product_code", "line_item_unblended_cost", "line_item_usage_amount"]
    )
    if layout == "cur2":
        frame[tags] = [dict(entries).get("user_tenant") if entries is not None else None for entries in frame[tags]]
    answer = frame.groupby([tags, "line_item_product_code"], dropna=False).sum()
    print("sum", repr(float(answer["line_item_unblended_cost"].sum())), "in", len(answer), "groups")


{"duckdb": duck, "polars": polars, "pandas": pandas}[module]()
