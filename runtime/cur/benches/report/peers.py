"""One reader, one question: the cost of every tenant and service, as plain doubles. Prints the sum as the reader has it."""

import sys

module, what, layout = sys.argv[1:4]
paths = sys.argv[4:]
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
            from read_parquet({paths}) group by all"""
    ).fetchall()
    print("sum", repr(sum(row[2] for row in rows)), "in", len(rows), "groups")


def polars():
    import polars

    if what == "import":
        return
    frame = polars.concat([polars.scan_parquet(path) for path in paths])
    if layout == "cur2":
        tenant = polars.col("resource_tags").map.get("user_tenant")
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
    columns = [tags, "line_item_product_code", "line_item_unblended_cost", "line_item_usage_amount"]
    if layout == "cur2":
        # Row by row, ten million maps would take minutes and most of a machine's memory.
        import pyarrow.compute
        import pyarrow.parquet

        def read(path):
            table = pyarrow.parquet.read_table(path, columns=columns)
            tenant = pyarrow.compute.map_lookup(table[tags], pyarrow.scalar("user_tenant"), "first")
            return table.set_column(table.schema.get_field_index(tags), tags, tenant).to_pandas()

    else:

        def read(path):
            return pandas.read_parquet(path, columns=columns)

    frame = pandas.concat([read(path) for path in paths])
    answer = frame.groupby([tags, "line_item_product_code"], dropna=False).sum()
    print("sum", repr(float(answer["line_item_unblended_cost"].sum())), "in", len(answer), "groups")


{"duckdb": duck, "polars": polars, "pandas": pandas}[module]()
