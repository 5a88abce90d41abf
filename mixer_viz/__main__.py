from mixer_viz.ui.command import main

if __name__ == "__main__":
    main(name="python -m mixer_viz")
