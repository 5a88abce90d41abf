from mixer_viz.survey.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
