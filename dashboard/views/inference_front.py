"""Page: accuracy against measured inference throughput."""

from dashboard.parts import front_page, notices

if __name__ == "__main__":
    with notices.errors_told():
        front_page.show("inference")
