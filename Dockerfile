# One image for every role; docker-compose.yml says which. TypeScript runs as it is: only the console is built.
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings Node: no scripts, so that the package `node` does not bring a second one.
RUN npm ci --omit=dev --ignore-scripts

FROM packages AS console
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY services/schema services/schema
COPY services/access/permissions.ts services/access/permissions.ts
COPY viewer/playback/play-clock.ts viewer/playback/play-clock.ts
COPY viewer/web viewer/web
RUN npm run build:console

FROM node:24.21.0-bookworm-slim
# The receiver's authority (services/pki) issues certificates with it.
RUN apt-get update && apt-get install -y --no-install-recommends openssl && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY package.json ./
COPY --from=packages /app/node_modules node_modules
COPY services services
COPY hooks hooks
COPY ingest ingest
COPY detectors detectors
COPY delivery delivery
COPY viewer viewer
COPY cli cli
COPY docs/operations/policies docs/operations/policies
COPY --from=console /app/viewer/web/dist viewer/web/dist
# A new named volume takes owner and mode of the folder that it is mounted on.
RUN install -d -o node -g node -m 0700 /var/lib/bartizan /var/lib/bartizan-keys
USER node
ENTRYPOINT ["node", "cli/bartizan.ts"]
CMD ["--help"]
