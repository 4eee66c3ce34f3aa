FROM scratch
LABEL right=file
COPY a /
